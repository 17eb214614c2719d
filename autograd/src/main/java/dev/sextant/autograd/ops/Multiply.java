package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** y = a b, elementwise, for two variables of one shape. */
public final class Multiply {
  private Multiply() {}

  /** The product, elementwise. */
  public static Variable apply(Tape tape, Variable a, Variable b) {
    Check.same("multiply", a.value(), b.value());
    Tensor y = tape.output(a.shape(), "multiply");
    tape.backend().multiply(a.value(), b.value(), y);
    // As they are now: what is thawed later was not saved for.
    boolean forA = a.requiresGradient();
    boolean forB = b.requiresGradient();
    return tape.record(
        "multiply",
        y,
        new Variable[] {a, b},
        Operands.saved(a, b),
        dy -> {
          if (forA) {
            Tensor da = tape.gradientLike(a, "multiply.gradient");
            tape.backend().multiply(dy, b.value(), da);
            tape.accumulate(a, da);
          }
          if (forB) {
            Tensor db = tape.gradientLike(b, "multiply.gradient");
            tape.backend().multiply(dy, a.value(), db);
            tape.accumulate(b, db);
          }
        });
  }
}
