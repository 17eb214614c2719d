package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Shape;

/** The same elements under another shape; shares storage. */
public final class Reshape {
  private Reshape() {}

  /** The elements of x as {@code shape}, which must hold as many. */
  public static Variable apply(Tape tape, Variable x, Shape shape) {
    return tape.record(
        "reshape",
        x.value().reshape(shape),
        new Variable[] {x},
        new Variable[0],
        dy -> tape.accumulate(x, dy.reshape(x.shape())));
  }
}
