package dev.sextant.nas.search;

import dev.sextant.tensor.SextantException;

/**
 * The numbers of training one network. Published ImageNet values in parentheses.
 *
 * @param batch images in a step (256)
 * @param epochs over the training images (300)
 * @param rate learning rate, cosine to 0 per batch (0.05)
 * @param momentum Nesterov momentum (0.9)
 * @param weightDecay L2 on kernels only (4e-5)
 * @param labelSmoothing share of the label spread over all classes (0.1)
 * @param augmentation preset of training images
 * @param dropout before the classifier (0.1 to 0.3)
 * @param seed of weights, order, augmentation and dropout
 */
public record TrainingConfig(
    int batch,
    int epochs,
    double rate,
    double momentum,
    double weightDecay,
    double labelSmoothing,
    String augmentation,
    double dropout,
    long seed) {
  /** Checks every number. */
  public TrainingConfig {
    SearchConfig.atLeast("batch", batch, 1);
    SearchConfig.atLeast("epochs", epochs, 0);
    SearchConfig.within("rate", rate, 0, 100);
    SearchConfig.within("momentum", momentum, 0, 0.9999);
    SearchConfig.within("weight-decay", weightDecay, 0, 1);
    SearchConfig.within("label-smoothing", labelSmoothing, 0, 0.9999);
    SearchConfig.within("dropout", dropout, 0, 0.9999);
    if (augmentation == null) {
      throw new SextantException("augmentation is missing");
    }
  }
}
