package dev.sextant.cli.options;

import dev.sextant.nas.provider.Progress;
import dev.sextant.tensor.SextantException;
import java.util.List;

/** Measured latencies that may be wrong. */
public final class Doubts {
  private Doubts() {}

  /**
   * Says what is doubtful.
   *
   * @param doubts a sentence each
   * @param accepted whether latencies are used all the same
   * @param progress told each of them
   * @throws SextantException if there are any that are not accepted
   */
  public static void judge(List<String> doubts, boolean accepted, Progress progress) {
    doubts.forEach(doubt -> progress.message("doubtful  " + doubt));
    if (!doubts.isEmpty() && !accepted) {
      throw new SextantException(
          "latency: the measurement was disturbed, as said above: measure again while nothing else"
              + " runs, or accept it with --accept-noisy");
    }
  }
}
