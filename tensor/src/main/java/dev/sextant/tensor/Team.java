package dev.sextant.tensor;

import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.time.Duration;
import java.util.Locale;

/**
 * Threads of the CPU that several backends share, so that several models on a machine have one
 * thread a processor and not each as many. They take turns, a whole run at a time ({@link
 * Backend#repeatable}), in the order of arrival.
 *
 * <p>After their last kernel the threads stay awake for a while, since a network runs many small
 * kernels in a row, and then sleep until the next: a team without work uses no processor. Safe for
 * any number of threads.
 */
public final class Team implements AutoCloseable {
  /**
   * How long threads stay awake where nothing else is said: 1 ms, or as many microseconds as the
   * system property {@value #IDLE_PROPERTY} says.
   */
  public static final Duration IDLE = Duration.ofNanos(WorkerTeam.IDLE_NANOS);

  /** Microseconds after which the threads of every team without a time of its own sleep. */
  public static final String IDLE_PROPERTY = WorkerTeam.IDLE_PROPERTY;

  private final WorkerTeam workers;

  /**
   * Starts the threads.
   *
   * @param threads that work on a kernel, the one that asks for it included; 1 to {@value
   *     Backends#MOST_THREADS}
   * @param idle how long they stay awake after a kernel
   * @throws SextantException if the number is out of range, or the time is negative
   */
  public Team(int threads, Duration idle) {
    if (threads < 1 || threads > Backends.MOST_THREADS || idle.isNegative()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "team: %d threads that stay awake for %s, must be 1 to %d and not negative",
              threads,
              idle,
              Backends.MOST_THREADS));
    }
    workers = WorkerTeam.shared(threads, idle.toNanos());
  }

  /** {@return the threads that work on a kernel, the one that asks for it included} */
  public int threads() {
    return workers.threads();
  }

  /** For the CPU's backend alone. */
  WorkerTeam workers() {
    return workers;
  }

  /** Ends the threads. Backends that share them refuse to work from then on. Idempotent. */
  @Override
  public void close() {
    workers.close();
  }
}
