package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;

/** y = activation(x), elementwise; the output is recomputed rather than kept. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Activate extends Op {
  private static final Kind<Activate> KIND = new Kind<>("activate", Activate::new);

  private Variable x;
  private Activation activation;

  private Activate() {}

  /**
   * {@return the activation's value}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   * @param activation which function
   */
  public static Variable apply(Tape tape, Variable x, Activation activation) {
    Activate op = tape.op(KIND);
    op.x = op.input(op.save(x));
    op.activation = activation;
    return tape.record(op, op.recompute(tape));
  }

  @Override
  protected boolean recomputes() {
    return true;
  }

  @Override
  protected Tensor recompute(Tape tape) {
    Tensor y = tape.output(x.shape(), "activate");
    tape.backend().elementwise().activate(x.value(), activation, y);
    return y;
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.overwrite(dy, "activate.gradient");
    tape.backend().elementwise().activateBackward(x.value(), activation, dy, dx);
    tape.accumulate(x, dx);
  }
}
