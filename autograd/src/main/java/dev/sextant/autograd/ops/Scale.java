package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/** y = factor x. */
public final class Scale {
  private Scale() {}

  /** The product with a constant. */
  public static Variable apply(Tape tape, Variable x, float factor) {
    Tensor y = tape.output(x.shape(), "scale");
    tape.backend().scale(x.value(), factor, y);
    return tape.record(
        "scale",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.overwrite(dy, "scale.gradient");
          tape.backend().scale(dy, factor, dx);
          tape.accumulate(x, dx);
        });
  }
}
