package dev.sextant.nas.fuzz;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * Gives an input to a reader: it ends in values or in one sentence, soon, and in bounded memory.
 */
final class Judge {
  private static final long MOST_NANOS = 2_000_000_000L;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** The most bytes allocated for an input, less what is free, for each of its own. */
  double mostPerByte;

  /** The most bytes allocated for any input. */
  long most;

  long refused;

  long nanos;

  /**
   * Reads one input.
   *
   * @throws AssertionError saying what was wrong
   */
  void read(Target target, byte[] input) {
    long time = THREADS.getCurrentThreadCpuTime();
    long before = THREADS.getCurrentThreadAllocatedBytes();
    try {
      target.reader().read(input);
    } catch (SextantException e) {
      refused++;
      String message = String.valueOf(e.getMessage());
      if (message.isBlank() || message.equals("null") || message.length() > 20_000) {
        throw new AssertionError("is no sentence: '" + message + "'", e);
      }
    } catch (Exception | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError("threw " + e, e);
    }
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
    time = THREADS.getCurrentThreadCpuTime() - time;
    nanos += time;
    most = Math.max(most, allocated);
    mostPerByte =
        Math.max(mostPerByte, (allocated - target.free()) / (double) Math.max(1, input.length));
    if (allocated > target.free() + target.perByte() * input.length) {
      throw new AssertionError(
          String.format(
              Locale.ROOT, "%d bytes allocated for %d of input", allocated, input.length));
    }
    if (time > MOST_NANOS) {
      throw new AssertionError(
          String.format(Locale.ROOT, "%d ms of processor time", time / 1_000_000));
    }
  }
}
