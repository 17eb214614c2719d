package dev.sextant.nas.stage;

import dev.sextant.nas.provider.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * What a network's logits are trained towards: labels, smoothed, and a teacher's logits beside
 * them.
 *
 * @param smoothing of the labels, in [0, 1]
 * @param teacher null where labels are all there is
 * @param temperature that both networks' logits are divided by, above 0; not looked at without a
 *     teacher
 * @param weight of the teacher, in [0, 1]; the labels have the rest
 */
public record Targets(
    double smoothing, @Nullable Teacher teacher, double temperature, double weight) {
  /** Checks every number. */
  public Targets {
    Bounds.within("label smoothing", smoothing, 0, 1);
    Bounds.within("teacher's weight", weight, 0, 1);
    Bounds.within("temperature", temperature, 0.01, 1000);
  }

  /**
   * {@return labels alone}
   *
   * @param smoothing in [0, 1]
   */
  public static Targets labels(double smoothing) {
    return new Targets(smoothing, null, 1, 0);
  }
}
