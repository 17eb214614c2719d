package dev.sextant.nas.live;

import dev.sextant.nas.report.RunSummary;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.tensor.SextantException;

/**
 * How far a run of another process is: it leaves an event after every epoch, and how long one takes
 * shows while it is watched.
 */
final class RunPace {
  /**
   * Where it is.
   *
   * @param epochs done in all stages
   * @param all epochs of the run
   * @param secondsLeft NaN until two epochs have ended under watch
   */
  record Reached(String stage, int epochs, int all, double secondsLeft) {}

  private int first = -1;
  private int last = -1;
  private long firstAt;
  private long lastAt;

  Reached look(RunDirectory run) {
    RunSummary summary;
    try {
      summary = RunSummary.read(run);
    } catch (SextantException e) {
      return new Reached("", 0, 0, Double.NaN);
    }
    int done = summary.epochs();
    long now = System.nanoTime();
    if (done != last) {
      // What had ended before the first look says nothing of the time.
      if (last >= 0 && first < 0) {
        first = done;
        firstAt = now;
      }
      last = done;
      lastAt = now;
    }
    double left = Double.NaN;
    if (first >= 0 && done > first) {
      double perEpoch = (lastAt - firstAt) * 1e-9 / (done - first);
      left = Math.max(0, perEpoch * (summary.allEpochs() - done) - (now - lastAt) * 1e-9);
    }
    return new Reached(summary.stage(), done, summary.allEpochs(), left);
  }
}
