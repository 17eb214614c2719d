package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;

/** y = activation(x), elementwise; the output is recomputed rather than kept. */
public final class Activate {
  private Activate() {}

  /** The activation's value. */
  public static Variable apply(Tape tape, Variable x, Activation activation) {
    return tape.record(
        "activate",
        forward(tape, x, activation),
        new Variable[] {x},
        new Variable[] {x},
        () -> forward(tape, x, activation),
        dy -> {
          Tensor dx = tape.overwrite(dy, "activate.gradient");
          tape.backend().activateBackward(x.value(), activation, dy, dx);
          tape.accumulate(x, dx);
        });
  }

  private static Tensor forward(Tape tape, Variable x, Activation activation) {
    Tensor y = tape.output(x.shape(), "activate");
    tape.backend().activate(x.value(), activation, y);
    return y;
  }
}
