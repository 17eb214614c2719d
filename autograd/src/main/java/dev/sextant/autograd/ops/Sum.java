package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** The sum of all elements: a scalar. */
public final class Sum {
  private Sum() {}

  /** The sum. */
  public static Variable apply(Tape tape, Variable x) {
    Tensor y = tape.output(Shape.of(), "sum");
    tape.backend().fill(y, (float) tape.backend().sum(x.value()));
    return tape.record(
        "sum",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.gradientLike(x, "sum.gradient");
          tape.backend().fill(dx, (float) tape.backend().sum(dy));
          tape.accumulate(x, dx);
        });
  }
}
