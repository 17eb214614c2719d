package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** y = a + b, for two variables of one shape. */
public final class Add {
  private Add() {}

  /** The sum, elementwise. */
  public static Variable apply(Tape tape, Variable a, Variable b) {
    Check.same("add", a.value(), b.value());
    Tensor y = tape.output(a.shape(), "add");
    tape.backend().add(a.value(), b.value(), y);
    return tape.record(
        "add",
        y,
        new Variable[] {a, b},
        new Variable[0],
        dy -> {
          tape.accumulate(a, dy.share());
          tape.accumulate(b, dy.share());
        });
  }
}
