package dev.sextant.nas.measure;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What takes the processor from a measurement: other processes, by the processor time that the
 * system counts for them, and other work of this JVM, as far as it says that it is at work.
 *
 * <p>Safe to use from any thread; each is begun and closed by one.
 */
public final class OtherWork implements AutoCloseable {
  /** Share of one processor from which a process is named. */
  private static final double BUSY = 0.2;

  private static final int NAMED = 3;

  private static final Set<OtherWork> AT_WORK = ConcurrentHashMap.newKeySet();

  private final String what;
  private final Thread thread = Thread.currentThread();
  private final long start = System.nanoTime();
  private final Map<Long, Duration> before = processorTimes();

  /** Work of other threads of this JVM that was there for some time. */
  private final Set<String> met = ConcurrentHashMap.newKeySet();

  private OtherWork(String what) {
    this.what = what;
  }

  /**
   * Says that something is at work from now on until it is closed, for others to know.
   *
   * @param what as in {@code search in runs/fashion}
   * @return knows who else is at work in that time
   */
  public static OtherWork during(String what) {
    OtherWork work = new OtherWork(what);
    for (OtherWork other : AT_WORK) {
      if (other.thread != work.thread) {
        work.met.add(other.what);
        other.met.add(what);
      }
    }
    AT_WORK.add(work);
    return work;
  }

  /**
   * {@return who else was at work since the beginning, the busiest first: as in {@code process 4711
   * (java) used 0.9 of a processor}}
   */
  public List<String> seen() {
    double nanos = System.nanoTime() - start;
    record Busy(long process, double share) {}
    List<Busy> busy = new ArrayList<>();
    long own = ProcessHandle.current().pid();
    processorTimes()
        .forEach(
            (process, time) -> {
              Duration earlier = before.getOrDefault(process, time);
              double share = time.minus(earlier).toNanos() / nanos;
              if (process != own && share >= BUSY) {
                busy.add(new Busy(process, share));
              }
            });
    busy.sort((one, other) -> Double.compare(other.share, one.share));
    Set<String> seen = new LinkedHashSet<>();
    for (Busy other : busy.subList(0, Math.min(NAMED, busy.size()))) {
      seen.add(
          String.format(
              Locale.ROOT,
              "process %d%s used %.1f of a processor",
              other.process,
              name(other.process),
              other.share));
    }
    for (String other : met) {
      seen.add(other + " was at work in this process");
    }
    return List.copyOf(seen);
  }

  /** {@return {@link #seen} as the end of a sentence: behind a semicolon, or nothing} */
  public String text() {
    List<String> seen = seen();
    return seen.isEmpty() ? "" : "; " + String.join(", ", seen);
  }

  private static String name(long process) {
    return ProcessHandle.of(process)
        .flatMap(handle -> handle.info().command())
        .map(command -> " (" + command.substring(command.lastIndexOf('/') + 1) + ")")
        .orElse("");
  }

  private static Map<Long, Duration> processorTimes() {
    Map<Long, Duration> times = new HashMap<>();
    ProcessHandle.allProcesses()
        .forEach(
            process -> {
              Optional<Duration> time = process.info().totalCpuDuration();
              time.ifPresent(duration -> times.put(process.pid(), duration));
            });
    return times;
  }

  @Override
  public void close() {
    AT_WORK.remove(this);
  }
}
