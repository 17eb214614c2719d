package dev.sextant.nas.method;

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
 * @param dropPath share of the paths through cells dropped at the end; grows from 0 epoch by epoch
 *     (0.2 for DARTS on CIFAR-10)
 * @param auxiliary weight of a second classifier's loss, which is attached two thirds up a network
 *     of cells on images of 32x32; 0 for none (0.4)
 * @param clip most that the norm of all gradients may be; 0 for no limit (5)
 * @param seed of weights, order, augmentation, dropout and drop path
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
    double dropPath,
    double auxiliary,
    double clip,
    long seed) {
  /** Without what networks of cells are trained with: drop path, second classifier, clipping. */
  public TrainingConfig(
      int batch,
      int epochs,
      double rate,
      double momentum,
      double weightDecay,
      double labelSmoothing,
      String augmentation,
      double dropout,
      long seed) {
    this(
        batch,
        epochs,
        rate,
        momentum,
        weightDecay,
        labelSmoothing,
        augmentation,
        dropout,
        0,
        0,
        0,
        seed);
  }

  /** Checks every number. */
  public TrainingConfig {
    SearchConfig.atLeast("batch", batch, 1);
    SearchConfig.atLeast("epochs", epochs, 0);
    SearchConfig.within("rate", rate, 0, 100);
    SearchConfig.within("momentum", momentum, 0, 0.9999);
    SearchConfig.within("weight-decay", weightDecay, 0, 1);
    SearchConfig.within("label-smoothing", labelSmoothing, 0, 0.9999);
    SearchConfig.within("dropout", dropout, 0, 0.9999);
    SearchConfig.within("drop-path", dropPath, 0, 0.9999);
    SearchConfig.within("auxiliary", auxiliary, 0, 100);
    SearchConfig.within("clip", clip, 0, 1e9);
    if (augmentation == null) {
      throw new SextantException("augmentation is missing");
    }
  }
}
