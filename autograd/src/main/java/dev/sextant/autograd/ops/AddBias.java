package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/** y[.., c] = x[.., c] + bias[c]. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class AddBias extends Op {
  private static final Kind<AddBias> KIND = new Kind<>("add_bias", AddBias::new);

  private Variable x;
  private Variable bias;

  private AddBias() {}

  /**
   * {@return the sum with a per-channel vector {@code [C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x {@code [.., C]}
   * @param bias {@code [C]}
   */
  public static Variable apply(Tape tape, Variable x, Variable bias) {
    Tensor y = tape.output(x.shape(), "add_bias");
    tape.backend().channels().addBias(x.value(), bias.value(), y);
    AddBias op = tape.op(KIND);
    op.x = op.input(x);
    op.bias = op.input(bias);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    if (bias.requiresGradient()) {
      Tensor db = tape.gradientLike(bias, "add_bias.gradient");
      tape.backend().channels().sum(dy, db);
      tape.accumulate(bias, db);
    }
    tape.accumulate(x, dy.share());
  }
}
