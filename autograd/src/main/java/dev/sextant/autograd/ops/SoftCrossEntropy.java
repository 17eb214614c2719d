package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * Mean cross-entropy of softmax(logits) against probabilities: -(1/N) sum over n, k of q_nk ln
 * p_nk.
 *
 * <p>It is made of what every backend has for labels. Smoothed by 1, a label's target is the
 * uniform one, so that its loss is the log of the softmax's denominator less the mean logit, and
 * its gradient (p - 1/K) / N; both are moved from the uniform target to q.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class SoftCrossEntropy extends Op {
  private static final Kind<SoftCrossEntropy> KIND =
      new Kind<>("soft_cross_entropy", SoftCrossEntropy::new);

  /** Labels that a smoothing of 1 does not look at. All are equal, so any thread's will do. */
  private static int[] anyLabels = new int[0];

  private Variable logits;
  private Tensor probabilities;

  private SoftCrossEntropy() {}

  /**
   * {@return the mean loss in nats, a scalar; least, at the entropy of the probabilities, where the
   * softmax equals them}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param logits {@code [N, K]}
   * @param probabilities {@code [N, K]}, each row's sum 1; must stay as they are until the backward
   *     pass; no gradient flows to them
   * @throws SextantException if the shapes are not those
   */
  public static Variable apply(Tape tape, Variable logits, Tensor probabilities) {
    Backend backend = tape.backend();
    Tensor z = logits.value();
    if (z.shape().rank() != 2 || !probabilities.shape().equals(z.shape())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "soft_cross_entropy: logits %s and probabilities %s are not both [N, K]",
              z.shape(),
              probabilities.shape()));
    }
    int rows = z.shape().get(0);
    Tensor y = tape.output(Shape.of(), "soft_cross_entropy");
    double loss = 0;
    if (rows > 0) {
      Tensor labels = labels(backend, rows);
      loss =
          backend.loss().softmaxCrossEntropy(z, labels, 1, null)
              + backend.elementwise().sum(z) / z.size()
              - backend.elementwise().dot(z, probabilities) / rows;
      labels.close();
    }
    backend.elementwise().fill(y, (float) loss);
    SoftCrossEntropy op = tape.op(KIND);
    op.logits = op.input(op.save(logits));
    op.probabilities = probabilities;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Backend backend = tape.backend();
    int rows = logits.shape().get(0);
    Tensor dx = tape.gradientLike(logits, "soft_cross_entropy.gradient");
    softmax(backend, logits.value(), 1, dx);
    backend.elementwise().axpy(-1, probabilities, dx);
    float scale = (float) backend.elementwise().sum(dy) / Math.max(1, rows);
    backend.elementwise().scale(dx, scale, dx);
    tape.accumulate(logits, dx);
  }

  /**
   * Writes softmax(logits / temperature) of each row, to within float32's rounding of 1: what a
   * teacher's logits become to be learnt from.
   *
   * @param backend whose memory holds both tensors
   * @param logits {@code [N, K]}
   * @param temperature above 0; the higher, the more even (Hinton et al., 2015, eq. 1)
   * @param probabilities {@code [N, K]}, overwritten; may be {@code logits}
   * @throws SextantException if the temperature is not a number above 0 or a shape is not that
   */
  public static void softmax(
      Backend backend, Tensor logits, float temperature, Tensor probabilities) {
    if (!(temperature > 0 && temperature < Float.POSITIVE_INFINITY)) {
      throw new SextantException("softmax: temperature " + temperature + " is not above 0");
    }
    backend.elementwise().scale(logits, 1 / temperature, probabilities);
    int rows = logits.shape().get(0);
    Tensor labels = labels(backend, rows);
    backend.loss().softmaxCrossEntropy(probabilities, labels, 1, probabilities);
    labels.close();
    if (rows > 0) {
      Tensor uniform =
          backend.memory().floats(logits.shape(), Category.WORKSPACE, "softmax.uniform");
      backend.elementwise().fill(uniform, 1f / logits.shape().get(1));
      backend.elementwise().scale(probabilities, rows, probabilities);
      backend.elementwise().axpy(1, uniform, probabilities);
      uniform.close();
    }
  }

  private static Tensor labels(Backend backend, int rows) {
    int[] any = anyLabels;
    if (any.length < rows) {
      any = new int[rows];
      anyLabels = any;
    }
    Tensor labels = backend.memory().ints(Shape.of(rows), Category.WORKSPACE, "labels");
    backend.upload(any, 0, labels);
    return labels;
  }
}
