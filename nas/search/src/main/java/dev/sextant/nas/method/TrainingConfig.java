package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * The numbers of training one network. Published ImageNet values in parentheses.
 *
 * @param seed of weights, order, augmentation, dropout and drop path
 * @param epochs over the training images (300)
 * @param rate learning rate, cosine to 0 per batch (0.05)
 * @param batches how images come
 * @param descent how weights follow their gradients
 * @param regularization against overfitting
 */
public record TrainingConfig(
    long seed,
    int epochs,
    double rate,
    BatchConfig batches,
    DescentConfig descent,
    Regularization regularization) {
  /** Checks every number. */
  public TrainingConfig {
    Bounds.atLeast("epochs", epochs, 0);
    Bounds.within("rate", rate, 0, 100);
    SearchConfig.present("batches, descent or regularization", batches, descent, regularization);
  }
}
