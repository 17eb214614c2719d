package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.LossRules;
import org.jspecify.annotations.Nullable;

/** Cross-entropy and accuracy; shapes and labels are already checked. */
final class ReferenceLoss implements Loss {
  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    LossRules.softmaxCrossEntropy(logits, labels, dlogits);
    double[] xs = read(logits);
    int rows = logits.shape().get(0);
    int classes = logits.shape().get(1);
    double[] gradient = new double[xs.length];
    double loss = 0;
    for (int n = 0; n < rows; n++) {
      int label = labels.ints()[labels.offset() + n];
      double max = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < classes; k++) {
        max = Math.max(max, xs[n * classes + k]);
      }
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += Math.exp(xs[n * classes + k] - max);
      }
      double logSum = max + Math.log(sum);
      for (int k = 0; k < classes; k++) {
        double logProbability = xs[n * classes + k] - logSum;
        double target = (k == label ? 1.0 - smoothing : 0) + smoothing / (double) classes;
        if (target != 0) {
          loss -= target * logProbability / rows;
        }
        gradient[n * classes + k] = (Math.exp(logProbability) - target) / rows;
      }
    }
    if (dlogits != null) {
      write(gradient, dlogits);
    }
    return loss;
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    LossRules.countCorrect(logits, labels);
    double[] xs = read(logits);
    int classes = logits.shape().get(1);
    int correct = 0;
    for (int n = 0; n < logits.shape().get(0); n++) {
      int best = 0;
      for (int k = 1; k < classes; k++) {
        if (xs[n * classes + k] > xs[n * classes + best]) {
          best = k;
        }
      }
      if (best == labels.ints()[labels.offset() + n]) {
        correct++;
      }
    }
    return correct;
  }
}
