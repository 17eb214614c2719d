package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.tensor.SextantException;

/**
 * How training images come. Published ImageNet values in parentheses.
 *
 * @param size images in a step (256)
 * @param augmentation preset of training images
 * @param labelSmoothing share of the label spread over all classes (0.1)
 */
public record BatchConfig(int size, String augmentation, double labelSmoothing) {
  /** Images in a step of a search. */
  public static final int SIZE = 32;

  /** The preset for small images. */
  public static final String AUGMENTATION = "light";

  /** Share of the label spread over all classes. */
  public static final double LABEL_SMOOTHING = 0.1;

  /** What suits small images and minutes. */
  public static final BatchConfig DEFAULT = new BatchConfig(SIZE, AUGMENTATION, LABEL_SMOOTHING);

  /** Checks every number. */
  public BatchConfig {
    Bounds.atLeast("batch", size, 1);
    Bounds.within("label-smoothing", labelSmoothing, 0, 0.9999);
    if (augmentation == null) {
      throw new SextantException("augmentation is missing");
    }
  }
}
