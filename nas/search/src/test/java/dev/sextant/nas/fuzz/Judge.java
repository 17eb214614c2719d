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

  /** What the last refusal said. */
  String said = "";

  long nanos;

  /**
   * Reads one input. What takes too much is read again, and judged by that: the first time may have
   * loaded classes, which a guided fuzzer rewrites as well.
   *
   * @throws AssertionError saying what was wrong
   */
  void read(Target target, byte[] input) {
    long bound = target.free() + target.perByte() * input.length;
    Taken taken = take(target, input);
    if (taken.bytes > bound || taken.nanos > MOST_NANOS) {
      taken = take(target, input);
    }
    refused += taken.refused ? 1 : 0;
    nanos += taken.nanos;
    most = Math.max(most, taken.bytes);
    mostPerByte =
        Math.max(mostPerByte, (taken.bytes - target.free()) / (double) Math.max(1, input.length));
    if (taken.bytes > bound) {
      throw new AssertionError(
          String.format(
              Locale.ROOT, "%d bytes allocated for %d of input", taken.bytes, input.length));
    }
    if (taken.nanos > MOST_NANOS) {
      throw new AssertionError(
          String.format(Locale.ROOT, "%d ms of processor time", taken.nanos / 1_000_000));
    }
  }

  /** What reading took, and whether it ended in a sentence. */
  private record Taken(long bytes, long nanos, boolean refused) {}

  private Taken take(Target target, byte[] input) {
    boolean ended = false;
    long time = THREADS.getCurrentThreadCpuTime();
    long before = THREADS.getCurrentThreadAllocatedBytes();
    try {
      target.reader().read(input);
    } catch (SextantException e) {
      ended = true;
      String message = String.valueOf(e.getMessage());
      said = message;
      if (message.isBlank() || message.equals("null") || message.length() > 20_000) {
        throw new AssertionError("is no sentence: '" + message + "'", e);
      }
    } catch (Exception | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError("threw " + e, e);
    }
    return new Taken(
        THREADS.getCurrentThreadAllocatedBytes() - before,
        THREADS.getCurrentThreadCpuTime() - time,
        ended);
  }
}
