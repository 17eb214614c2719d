package dev.sextant.nas.live;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.provider.TimeLeft;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How far the run of this process is. Told by one thread, read by any. */
final class OwnProgress implements Progress {
  /**
   * After a step.
   *
   * @param secondsLeft of the whole run; NaN while it is not known
   */
  record Step(
      String stage, long done, long steps, String status, long peakBytes, double secondsLeft) {}

  private final TimeLeft left = new TimeLeft();
  private volatile @Nullable Step last;

  @Override
  public void course(List<Stage> stages) {
    left.course(stages);
  }

  @Override
  public void step(String stage, long done, long steps, String status, long peakBytes) {
    left.step(stage, done, steps, System.nanoTime());
    last = new Step(stage, done, steps, status, peakBytes, left.runSeconds());
  }

  @Override
  public void message(String text) {}

  /** The last step, or null before it. */
  @Nullable Step last() {
    return last;
  }
}
