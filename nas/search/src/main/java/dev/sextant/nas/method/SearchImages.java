package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * Which of the training images a search sees, and how.
 *
 * @param share of them, the others wait for the training of the network found (1; PC-DARTS on
 *     ImageNet: 0.125)
 * @param validationFraction share of these held out for architecture steps, stratified
 * @param size of either side that the supernet sees them in; 0 for what the method does by itself
 *     ({@link Recipe#searchSize})
 */
public record SearchImages(double share, double validationFraction, int size) {
  /** Share held out. */
  public static final double VALIDATION_FRACTION = 0.2;

  /** All of them. */
  public static final SearchImages DEFAULT = new SearchImages(1, VALIDATION_FRACTION);

  /**
   * Images of the size that the method chooses.
   *
   * @param share of the training images
   * @param validationFraction of these held out
   */
  public SearchImages(double share, double validationFraction) {
    this(share, validationFraction, 0);
  }

  /** Checks every number. */
  public SearchImages {
    Bounds.within("search-images", share, 1e-6, 1);
    Bounds.within("validation-fraction", validationFraction, 0.001, 0.9);
    Bounds.within("search-size", size, 0, 1 << 14);
  }
}
