package dev.sextant.runtime;

import com.sun.management.OperatingSystemMXBean;
import dev.sextant.runtime.clock.ClockSpeed;
import dev.sextant.tensor.SextantException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Measures how long something takes on a machine that others use too.
 *
 * <ul>
 *   <li>Warm-up: rounds of 20 ms or more, until the best run of the last three rounds is within 2 %
 *       of the best before them (the JIT compilers are done, clocks and caches settled), for at
 *       most the warm-up limit.
 *   <li>A sample is as many runs as last about 100 µs together, so that the clock's own cost (about
 *       25 ns) is nothing; a longer run is a sample of its own.
 *   <li>A sample in which the calling thread lost the processor for more than 2 % of the time (its
 *       CPU time tells) is disturbed. Median and interval are those of the undisturbed samples
 *       where there are {@value #MIN_SAMPLES} of them, and of all where not, as when the work is
 *       done elsewhere and the thread only waits. The percentiles are always those of all samples.
 *   <li>Samples are taken until the 95 % confidence interval of their median is narrower than the
 *       goal, or the time limit passes. The interval is that between two order statistics, ranks n
 *       / 2 ± 1.96 √n / 2: it supposes nothing of the distribution, whose tail other processes
 *       make.
 * </ul>
 *
 * <p>The calling thread does the runs. Threads are not pinned: the JDK has no call for that, so pin
 * the process ({@code taskset}) where a machine has many cores. One thread is the default
 * everywhere for this reason. Immutable; measure one thing at a time.
 *
 * <p>Where only the way of a measurement matters and not its number, as in tests, {@code
 * -Dsextant.latency.most=MILLISECONDS} lowers the three durations of every meter to that.
 *
 * @param goal width of the confidence interval divided by the median, such as 0.02
 * @param warmUpLimit most time spent before the first sample
 * @param limit most time spent on samples
 * @param patience most time that {@link #steady} waits for other processes and the clock
 */
public record LatencyMeter(double goal, Duration warmUpLimit, Duration limit, Duration patience) {
  /** 2 % within 2 s, after at most 3 s of warm-up. */
  public static final LatencyMeter DEFAULT =
      new LatencyMeter(0.02, Duration.ofSeconds(3), Duration.ofSeconds(2), Duration.ofSeconds(2));

  /** Name of the property that bounds the durations of all meters, in ms. */
  public static final String MOST_PROPERTY = "sextant.latency.most";

  private static final long MOST_NANOS =
      Duration.ofMillis(Long.getLong(MOST_PROPERTY, Integer.MAX_VALUE)).toNanos();

  /** Most repetitions of {@link #steady}. */
  public static final int MAX_ROUNDS = 12;

  private static final int MIN_ROUNDS = 3;

  /** Processors that others may keep busy in a round that counts. */
  private static final double BUSY = 0.2;

  /** How much slower the clock may be in a round that counts. */
  private static final double SLOW = 1.015;

  private static final long SAMPLE_NANOS = 100_000;
  private static final long ROUND_NANOS = 20_000_000;
  private static final int ROUNDS_WITHOUT_GAIN = 3;
  private static final double GAIN = 0.02;

  private static final int QUIET_ROUNDS = 3;
  private static final long COMPILED_ROUND_NANOS = 100_000_000;
  private static final long UNCOMPILED_NANOS = 3_000_000_000L;
  private static final long ALLOCATING_NANOS = 20_000_000_000L;

  /** C2 compiles what was called 5,000 times, or 600 times with loops of 15,000 turns in all. */
  private static final int MOST_RUNS = 2000;

  /** Of a run that allocates: a round's own questions take less. */
  private static final long ALLOCATED_BYTES = 256;

  /** With fewer, ranks n / 2 ± 1.96 √n / 2 are not yet a 95 % interval. */
  private static final int MIN_SAMPLES = 20;

  /** A burst of other work must not pass for the whole truth: samples span at least this long. */
  private static final long MIN_NANOS = 50_000_000;

  private static final int MAX_SAMPLES = 100_000;

  /** Share of a sample's time without the processor from which it is disturbed. */
  private static final double DISTURBED = 0.02;

  /** Checks the ranges. */
  public LatencyMeter {
    if (!(goal > 0) || warmUpLimit.isNegative() || limit.isNegative() || patience.isNegative()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "latency: goal %s, warm-up %s, limit %s and patience %s must be positive",
              goal,
              warmUpLimit,
              limit,
              patience));
    }
  }

  /**
   * {@return the latency of one run}
   *
   * @param run what is timed
   */
  public Latency measure(Runnable run) {
    long best = warmUp(run);
    int runs = Math.clamp((SAMPLE_NANOS + best - 1) / Math.max(1, best), 1, 1_000_000);
    double[] samples = new double[MAX_SAMPLES];
    double[] undisturbed = new double[MAX_SAMPLES];
    int count = 0;
    int quiet = 0;
    int nextCheck = MIN_SAMPLES;
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    boolean hasCpuTime = threads.isCurrentThreadCpuTimeSupported();
    long limitNanos = nanos(limit);
    long start = System.nanoTime();
    while (count < MAX_SAMPLES) {
      // The CPU clock is read outside the wall clock: what reading it costs is in no sample.
      long cpuBefore = hasCpuTime ? threads.getCurrentThreadCpuTime() : 0;
      long before = System.nanoTime();
      for (int i = 0; i < runs; i++) {
        run.run();
      }
      long after = System.nanoTime();
      long cpu = hasCpuTime ? threads.getCurrentThreadCpuTime() - cpuBefore : 0;
      double sample = (after - before) / 1e6 / runs;
      samples[count++] = sample;
      if (cpu >= (after - before) * (1 - DISTURBED)) {
        undisturbed[quiet++] = sample;
      }
      if (after - start > limitNanos) {
        break;
      }
      if (count >= nextCheck && after - start >= MIN_NANOS) {
        if (summary(samples, count, undisturbed, quiet).relativeInterval() < goal) {
          break;
        }
        nextCheck = count + count / 4;
      }
    }
    return summary(samples, count, undisturbed, quiet);
  }

  /**
   * Repeats a measurement until its two least medians agree within the goal, at least three and at
   * most {@link #MAX_ROUNDS} times, and gives the one of the least median.
   *
   * <p>A processor shared with other work runs at two speeds, often for seconds (1.5 times slower
   * while a neighbour keeps the other half of a core busy, say). Two agreeing medians are then the
   * speed of the machine itself. Rounds during which other processes were seen at work, or the
   * clock ran slower than it had in this process ({@link ClockSpeed}), do not count while there is
   * patience left.
   *
   * @param measurement called again and again
   * @return the measurement with the least median; its interval is as wide as the two least medians
   *     are apart, where that is wider
   */
  public Latency steady(Supplier<Latency> measurement) {
    long end = System.nanoTime() + nanos(patience);
    Latency least = null;
    Latency second = null;
    int rounds = 0;
    while (rounds < MAX_ROUNDS) {
      othersAtWork();
      Latency next = measurement.get();
      boolean quiet = othersAtWork() < BUSY && ClockSpeed.slowdown() < SLOW;
      if (quiet || System.nanoTime() > end) {
        rounds++;
      }
      if (least == null || next.medianMs() < least.medianMs()) {
        second = least;
        least = next;
      } else if (second == null || next.medianMs() < second.medianMs()) {
        second = next;
      }
      if (rounds >= MIN_ROUNDS
          && second != null
          && second.medianMs() <= least.medianMs() * (1 + goal)) {
        break;
      }
    }
    return least == null ? Latency.NOTHING : second == null ? least : least.andAgain(second);
  }

  private static long nanos(Duration most) {
    return Math.min(most.toNanos(), MOST_NANOS);
  }

  /** Processors that other processes kept busy since the last call; 0 where that is not known. */
  private static double othersAtWork() {
    if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
      double others = system.getCpuLoad() - system.getProcessCpuLoad();
      return Double.isNaN(others) ? 0 : Math.max(0, others * system.getAvailableProcessors());
    }
    return 0;
  }

  /**
   * {@return the latency of one run of a model on random images; closes nothing}
   *
   * @param model open, of any batch
   */
  public Latency measure(CompiledModel model) {
    float[] images = model.randomImages();
    float[] outputs = new float[model.batch() * model.architecture().outputs()];
    return measure(() -> model.run(images, outputs));
  }

  /**
   * Runs until the JIT compilers are done with it: until in {@value #QUIET_ROUNDS} rounds of 100 ms
   * or more no compilation has ended, no run was faster by {@value #GAIN} of the best, and none
   * allocated: kernels that are not yet compiled make an object of each vector, and one that is
   * called once a run takes some hundreds of runs until its turn comes.
   *
   * <p>Where other code of the process keeps the compilers busy, three seconds without a faster run
   * do; and where runs allocate whatever is compiled, {@value #MOST_RUNS} runs without one, or
   * twenty seconds.
   */
  static void untilCompiled(Runnable run) {
    CompilationMXBean compilers = ManagementFactory.getCompilationMXBean();
    long patience = Math.min(MOST_NANOS, UNCOMPILED_NANOS);
    long round = Math.min(patience, COMPILED_ROUND_NANOS);
    long best = Long.MAX_VALUE;
    long lastGain = System.nanoTime();
    int runs = 0;
    int quiet = 0;
    boolean waits = true;
    while (quiet < QUIET_ROUNDS && waits) {
      long compiled = compilationMs(compilers);
      Round timed = Round.of(run, round);
      runs += timed.runs;
      boolean allocates = timed.bytes >= ALLOCATED_BYTES * timed.runs;
      if (timed.best < best * (1 - GAIN)) {
        lastGain = System.nanoTime();
        runs = 0;
        quiet = 0;
      } else {
        quiet = compilationMs(compilers) == compiled && !allocates ? quiet + 1 : 0;
      }
      best = Math.min(best, timed.best);
      long waited = System.nanoTime() - lastGain;
      boolean mayStillGain = allocates && runs < MOST_RUNS;
      waits = waited < patience || mayStillGain && waited < Math.min(MOST_NANOS, ALLOCATING_NANOS);
    }
  }

  /** What compilers have taken so far; the same for ever in a JVM without them. */
  private static long compilationMs(@Nullable CompilationMXBean compilers) {
    return compilers != null && compilers.isCompilationTimeMonitoringSupported()
        ? compilers.getTotalCompilationTime()
        : 0;
  }

  /** Some runs in a row: the best time of one in ns, how many, and what this thread allocated. */
  private record Round(long best, int runs, long bytes) {
    static Round of(Runnable run, long nanos) {
      long best = Long.MAX_VALUE;
      int runs = 0;
      long allocated = allocatedBytes();
      long start = System.nanoTime();
      for (long now = start; now - start < nanos; runs++) {
        run.run();
        long after = System.nanoTime();
        best = Math.min(best, after - now);
        now = after;
      }
      return new Round(best, runs, allocatedBytes() - allocated);
    }

    private static long allocatedBytes() {
      return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
              && threads.isThreadAllocatedMemorySupported()
          ? threads.getCurrentThreadAllocatedBytes()
          : 0;
    }
  }

  /** Runs until the time stabilises; returns the best time of one run, in ns. */
  long warmUp(Runnable run) {
    long start = System.nanoTime();
    long warmUpNanos = nanos(warmUpLimit);
    long best = Long.MAX_VALUE;
    int rounds = 0;
    int withoutGain = 0;
    while (withoutGain < ROUNDS_WITHOUT_GAIN
        && (rounds == 0 || System.nanoTime() - start < warmUpNanos)) {
      long bestOfRound = Long.MAX_VALUE;
      long roundStart = System.nanoTime();
      long now = roundStart;
      while (now - roundStart < ROUND_NANOS) {
        run.run();
        long after = System.nanoTime();
        bestOfRound = Math.min(bestOfRound, after - now);
        now = after;
        if (now - start > warmUpNanos) {
          break;
        }
      }
      withoutGain = bestOfRound < best * (1 - GAIN) ? 0 : withoutGain + 1;
      best = Math.min(best, bestOfRound);
      rounds++;
    }
    return best;
  }

  /** Percentiles of all samples; median and its interval of the undisturbed where they suffice. */
  static Latency summary(double[] samples, int count, double[] undisturbed, int quiet) {
    double[] all = sorted(samples, count);
    double[] central = quiet >= MIN_SAMPLES ? sorted(undisturbed, quiet) : all;
    double median = quantile(central, 0.5);
    double[] interval = interval(central);
    return new Latency(
        median,
        Math.max(median, quantile(all, 0.9)),
        Math.max(median, quantile(all, 0.99)),
        central.length,
        median == 0 ? 0 : (interval[1] - interval[0]) / median);
  }

  private static double[] sorted(double[] samples, int count) {
    double[] sorted = Arrays.copyOf(samples, count);
    Arrays.sort(sorted);
    return sorted;
  }

  /**
   * Between which two of the sorted samples the median of what they were drawn from lies, with 95 %
   * confidence: the normal approximation to the binomial distribution of ranks.
   */
  static double[] interval(double[] sorted) {
    int count = sorted.length;
    double half = 1.96 * Math.sqrt(count) / 2;
    int low = Math.max(1, (int) Math.floor((count + 1) / 2.0 - half));
    int high = count + 1 - low;
    return new double[] {sorted[low - 1], sorted[high - 1]};
  }

  /** The nearest rank; the median of an even count is the mean of the middle two. */
  private static double quantile(double[] sorted, double q) {
    if (q == 0.5 && sorted.length % 2 == 0) {
      return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
    }
    return sorted[Math.max(0, (int) Math.ceil(q * sorted.length) - 1)];
  }
}
