package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** The sum of all elements: a scalar. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Sum extends Op {
  private static final Kind<Sum> KIND = new Kind<>("sum", Sum::new);

  private Variable x;

  private Sum() {}

  /**
   * {@return the sum}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   */
  public static Variable apply(Tape tape, Variable x) {
    Tensor y = tape.output(Shape.of(), "sum");
    tape.backend().elementwise().fill(y, (float) tape.backend().elementwise().sum(x.value()));
    Sum op = tape.op(KIND);
    op.x = op.input(x);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "sum.gradient");
    tape.backend().elementwise().fill(dx, (float) tape.backend().elementwise().sum(dy));
    tape.accumulate(x, dx);
  }
}
