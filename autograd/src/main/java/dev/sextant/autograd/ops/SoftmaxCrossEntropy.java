package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.LossRules;

/** Mean cross-entropy of softmax(logits) against labels, with label smoothing (Szegedy, 2016). */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class SoftmaxCrossEntropy extends Op {
  private static final Kind<SoftmaxCrossEntropy> KIND =
      new Kind<>("softmax_cross_entropy", SoftmaxCrossEntropy::new);

  private Variable logits;
  private Tensor labels;
  private float smoothing;

  private SoftmaxCrossEntropy() {}

  /**
   * {@return the mean loss in nats, a scalar}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]} below K; must stay as they are until the backward pass
   * @param smoothing in [0, 1]; the target is (1 - smoothing) one-hot + smoothing / K
   * @throws SextantException if shapes, a label or the smoothing are out of range
   */
  public static Variable apply(Tape tape, Variable logits, Tensor labels, float smoothing) {
    if (!(smoothing >= 0 && smoothing <= 1)) {
      throw new SextantException(
          "softmax_cross_entropy: smoothing " + smoothing + " is not in [0, 1]");
    }
    LossRules.labels("softmax_cross_entropy", logits.value(), labels);
    Tensor y = tape.output(Shape.of(), "softmax_cross_entropy");
    tape.backend()
        .elementwise()
        .fill(
            y,
            (float)
                tape.backend().loss().softmaxCrossEntropy(logits.value(), labels, smoothing, null));
    SoftmaxCrossEntropy op = tape.op(KIND);
    op.logits = op.input(op.save(logits));
    op.labels = labels;
    op.smoothing = smoothing;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(logits, "softmax_cross_entropy.gradient");
    tape.backend().loss().softmaxCrossEntropy(logits.value(), labels, smoothing, dx);
    tape.backend().elementwise().scale(dx, (float) tape.backend().elementwise().sum(dy), dx);
    tape.accumulate(logits, dx);
  }
}
