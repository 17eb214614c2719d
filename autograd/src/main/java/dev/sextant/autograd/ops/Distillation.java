package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;

/**
 * Learning from labels and from a teacher: (1 - w) hard + w T² CE(q, softmax(logits / T)), with q
 * the teacher's softmax at temperature T (Hinton, Vinyals and Dean, "Distilling the Knowledge in a
 * Neural Network", 2015, section 2). The gradient of the second term falls with T², which the
 * factor makes good, so that w means the same at every temperature.
 */
public final class Distillation {
  private Distillation() {}

  /**
   * {@return the loss to minimise, a scalar}
   *
   * @param tape open; records the ops if an input requires a gradient
   * @param hard the loss by labels, as of {@link SoftmaxCrossEntropy}; the caller goes on owning it
   * @param logits {@code [N, K]} of the network that learns
   * @param probabilities {@code [N, K]} of the teacher at that temperature, as {@link
   *     SoftCrossEntropy#softmax} makes them; must stay as they are until the backward pass
   * @param temperature T, a number above 0
   * @param weight w, in [0, 1]
   * @throws SextantException if temperature, weight or shapes are not those
   */
  public static Variable apply(
      Tape tape,
      Variable hard,
      Variable logits,
      Tensor probabilities,
      float temperature,
      float weight) {
    if (!(temperature > 0 && temperature < Float.POSITIVE_INFINITY)) {
      throw new SextantException("distillation: temperature " + temperature + " is not above 0");
    }
    if (!(weight >= 0 && weight <= 1)) {
      throw new SextantException("distillation: weight " + weight + " is not in [0, 1]");
    }
    Variable cooled = Scale.apply(tape, logits, 1 / temperature);
    Variable soft = SoftCrossEntropy.apply(tape, cooled, probabilities);
    cooled.release();
    Variable teacher = Scale.apply(tape, soft, weight * temperature * temperature);
    Variable labels = Scale.apply(tape, hard, 1 - weight);
    Variable total = Add.apply(tape, labels, teacher);
    soft.release();
    teacher.release();
    labels.release();
    return total;
  }
}
