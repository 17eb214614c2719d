package dev.sextant.bench;

import dev.sextant.bench.libtorch.Layout;
import dev.sextant.bench.paths.HotPath;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Has JMH measure one hot path of one engine in a JVM of its own, started as the launcher starts
 * this engine.
 *
 * @param layout of images in libtorch
 * @param jvmOptions the launcher's file of options for the JVM
 */
record ForkRunner(Layout layout, Path jvmOptions) {
  private static final long PEER_WARMUP_MILLIS = 3000;

  /** How often a fork is repeated that other processes disturbed. */
  private static final int REPEATS = 2;

  /**
   * Measures, again if other processes were busy meanwhile: the quietest of three counts.
   *
   * @throws IllegalStateException if the fork fails, with what it printed
   */
  Fork run(Case hotPath, String engine, int threads) {
    Fork best = once(hotPath, engine, threads);
    for (int i = 0; i < REPEATS && !best.isQuiet(); i++) {
      Fork again = once(hotPath, engine, threads);
      best = again.neighbours() < best.neighbours() ? again : best;
    }
    return best;
  }

  /** A peer has nothing to compile: caches and its pool of memory are warm after a few steps. */
  private static long warmup(Effort effort, String engine) {
    long millis = effort.warmup().toMillis();
    return engine.equals(HotPath.SEXTANT) ? millis : Math.min(millis, PEER_WARMUP_MILLIS);
  }

  private Fork once(Case hotPath, String engine, int threads) {
    Effort effort = hotPath.effort();
    var options =
        new OptionsBuilder()
            .include("^" + hotPath.path().getName().replace(".", "\\.") + "\\.step$")
            .param("engine", engine)
            .param("threads", Integer.toString(threads))
            .param("layout", layout.name())
            .param("spec", hotPath.spec())
            .forks(1)
            .warmupIterations(effort.warmups())
            .warmupTime(TimeValue.milliseconds(warmup(effort, engine)))
            .measurementIterations(effort.measurements())
            .measurementTime(TimeValue.milliseconds(effort.measurement().toMillis()))
            .timeUnit(TimeUnit.MILLISECONDS)
            .jvmArgs(
                "@" + jvmOptions,
                "--enable-native-access=ALL-UNNAMED",
                // JMH counts on it.
                "--sun-misc-unsafe-memory-access=allow")
            // The later one is the inner one: what the other allocates to find neighbours is no
            // step's.
            .addProfiler(NeighbourProfiler.class)
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true)
            .build();
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      Collection<RunResult> results =
          new Runner(options, OutputFormatFactory.createFormatInstance(out, VerboseMode.NORMAL))
              .run();
      if (results.size() != 1) {
        throw new IllegalStateException(hotPath.name() + ": JMH ran " + results.size());
      }
      RunResult result = results.iterator().next();
      Result<?> time = result.getPrimaryResult();
      boolean sampled = result.getParams().getMode() == Mode.SampleTime;
      return new Fork(
          sampled ? time.getStatistics().getPercentile(50) : time.getScore(),
          sampled ? time.getStatistics().getPercentile(99) : Double.NaN,
          score(result, "gc.alloc.rate.norm"),
          score(result, NeighbourProfiler.NAME));
    } catch (RunnerException e) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "%s in %s failed:%n%s",
              hotPath.name(),
              engine,
              printed.toString(StandardCharsets.UTF_8)),
          e);
    }
  }

  private static double score(RunResult result, String name) {
    Result<?> found = result.getSecondaryResults().get(name);
    return found == null ? Double.NaN : found.getScore();
  }
}
