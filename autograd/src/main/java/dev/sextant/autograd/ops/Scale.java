package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/** y = factor x. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Scale extends Op {
  private static final Kind<Scale> KIND = new Kind<>("scale", Scale::new);

  private Variable x;
  private float factor;

  private Scale() {}

  /**
   * {@return the product with a constant}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   * @param factor of every element
   */
  public static Variable apply(Tape tape, Variable x, float factor) {
    Tensor y = tape.output(x.shape(), "scale");
    tape.backend().elementwise().scale(x.value(), factor, y);
    Scale op = tape.op(KIND);
    op.x = op.input(x);
    op.factor = factor;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.overwrite(dy, "scale.gradient");
    tape.backend().elementwise().scale(dy, factor, dx);
    tape.accumulate(x, dx);
  }
}
