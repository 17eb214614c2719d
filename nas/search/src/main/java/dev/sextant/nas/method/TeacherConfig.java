package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * What a network learns from besides labels: the logits of the supernet's best network, with the
 * search's weights, on the same images (Hinton et al., 2015).
 *
 * @param weight of the teacher's loss, in [0, 1]; the labels have the rest; 0 for no teacher
 * @param temperature that both networks' logits are divided by, above 0
 */
public record TeacherConfig(double weight, double temperature) {
  /** What both networks' logits are divided by where no number is given. */
  public static final double TEMPERATURE = 4;

  /** Labels alone. */
  public static final TeacherConfig NONE = new TeacherConfig(0, TEMPERATURE);

  /** Checks both numbers. */
  public TeacherConfig {
    Bounds.within("teacher-weight", weight, 0, 1);
    Bounds.within("teacher-temperature", temperature, 0.01, 1000);
  }

  /** {@return whether there is one} */
  public boolean teaches() {
    return weight > 0;
  }
}
