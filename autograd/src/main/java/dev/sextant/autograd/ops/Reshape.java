package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** The same elements under another shape; shares storage. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Reshape extends Op {
  private static final Kind<Reshape> KIND = new Kind<>("reshape", Reshape::new);

  private Variable x;

  private Reshape() {}

  /**
   * {@return the elements of x as {@code shape}, which must hold as many}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   * @param shape with as many elements
   */
  public static Variable apply(Tape tape, Variable x, Shape shape) {
    Tensor y = x.value().reshape(shape);
    Reshape op = tape.op(KIND);
    op.x = op.input(x);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    tape.accumulate(x, dy.reshape(x.shape()));
  }
}
