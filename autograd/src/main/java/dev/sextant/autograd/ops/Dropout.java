package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/**
 * Dropout (Srivastava et al., 2014), inverted: kept elements are divided by the probability of
 * keeping one. Passes its input through where batch norm would use running statistics. It draws one
 * number for each element, in row-major order, each time it runs.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Dropout extends Op {
  private static final Kind<Dropout> KIND = new Kind<>("dropout", Dropout::new);

  /** Where masks are drawn on their way to the backend: a step allocates no array. */
  private static final ThreadLocal<float[]> CHUNK = ThreadLocal.withInitial(() -> new float[4096]);

  private Variable x;
  private Tensor mask;

  private Dropout() {}

  /**
   * Drops each element with probability {@code rate}.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   * @param rate in [0, 1)
   * @param rng read once for each element in training
   * @return the output; the caller releases it
   * @throws SextantException if the rate is out of range
   */
  public static Variable apply(Tape tape, Variable x, float rate, Rng rng) {
    if (!(rate >= 0 && rate < 1)) {
      throw new SextantException("dropout: rate " + rate + " is not in [0, 1)");
    }
    if (rate == 0 || !tape.mode().usesBatchStatistics()) {
      return Reshape.apply(tape, x, x.shape());
    }
    Tensor mask = tape.output(x.shape(), "dropout.mask");
    draw(tape.backend(), mask, rate, rng);
    Tensor y = tape.output(x.shape(), "dropout");
    tape.backend().elementwise().multiply(x.value(), mask, y);
    Dropout op = tape.op(KIND);
    op.x = op.input(x);
    op.mask = mask;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.overwrite(dy, "dropout.gradient");
    tape.backend().elementwise().multiply(dy, mask, dx);
    mask.close();
    tape.accumulate(x, dx);
  }

  private static void draw(Backend backend, Tensor mask, float rate, Rng rng) {
    float[] chunk = CHUNK.get();
    try (Tensor flat = mask.reshape(Shape.of(mask.size()))) {
      for (int from = 0; from < mask.size(); from += chunk.length) {
        int count = Math.min(chunk.length, mask.size() - from);
        for (int i = 0; i < count; i++) {
          chunk[i] = rng.nextDouble() < rate ? 0 : 1 / (1 - rate);
        }
        try (Tensor part = flat.slice(from, from + count)) {
          backend.upload(chunk, 0, part);
        }
      }
    }
  }
}
