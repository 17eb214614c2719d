package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** y = a + b, for two variables of one shape. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Add extends Op {
  private static final Kind<Add> KIND = new Kind<>("add", Add::new);

  private Variable a;
  private Variable b;

  private Add() {}

  /**
   * {@return the sum, elementwise}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param a of any shape
   * @param b of a's shape
   */
  public static Variable apply(Tape tape, Variable a, Variable b) {
    Check.same("add", a.value(), b.value());
    Tensor y = tape.output(a.shape(), "add");
    tape.backend().elementwise().add(a.value(), b.value(), y);
    Add op = tape.op(KIND);
    op.a = op.input(a);
    op.b = op.input(b);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    tape.accumulate(a, dy.share());
    tape.accumulate(b, dy.share());
  }
}
