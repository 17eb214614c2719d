package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * Which of the training images a search sees.
 *
 * @param share of them, the others wait for the training of the network found (1; PC-DARTS on
 *     ImageNet: 0.125)
 * @param validationFraction share of these held out for architecture steps, stratified
 */
public record SearchImages(double share, double validationFraction) {
  /** Share held out. */
  public static final double VALIDATION_FRACTION = 0.2;

  /** All of them. */
  public static final SearchImages DEFAULT = new SearchImages(1, VALIDATION_FRACTION);

  /** Checks every number. */
  public SearchImages {
    Bounds.within("search-images", share, 1e-6, 1);
    Bounds.within("validation-fraction", validationFraction, 0.001, 0.9);
  }
}
