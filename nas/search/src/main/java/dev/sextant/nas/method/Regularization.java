package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * What training one network has against overfitting. Published values in parentheses.
 *
 * @param dropout before the classifier (0.1 to 0.3)
 * @param dropPath share of the paths through cells dropped at the end; grows from 0 epoch by epoch
 *     (DARTS: 0.2; PC-DARTS: 0.3)
 * @param auxiliary weight of a second classifier's loss, which is attached two thirds up a network
 *     of cells on images of 32x32; 0 for none (0.4)
 */
public record Regularization(double dropout, double dropPath, double auxiliary) {
  /** None. */
  public static final Regularization NONE = new Regularization(0, 0, 0);

  /** Checks every number. */
  public Regularization {
    Bounds.within("dropout", dropout, 0, 0.9999);
    Bounds.within("drop-path", dropPath, 0, 0.9999);
    Bounds.within("auxiliary", auxiliary, 0, 100);
  }
}
