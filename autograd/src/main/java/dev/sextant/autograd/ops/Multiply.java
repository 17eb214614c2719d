package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** y = a b, elementwise, for two variables of one shape. */
public final class Multiply extends Product {
  private static final Kind<Multiply> KIND = new Kind<>("multiply", Multiply::new);

  private Multiply() {}

  /**
   * {@return the product, elementwise}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param a of any shape
   * @param b of a's shape
   */
  public static Variable apply(Tape tape, Variable a, Variable b) {
    Check.same("multiply", a.value(), b.value());
    Tensor y = tape.output(a.shape(), "multiply");
    tape.backend().elementwise().multiply(a.value(), b.value(), y);
    Multiply op = tape.op(KIND);
    op.operands(a, b);
    return tape.record(op, y);
  }

  @Override
  Tensor gradientOfW(Tape tape, Tensor a, Variable b, Tensor dy) {
    return times(tape, a, b, dy);
  }

  @Override
  Tensor gradientOfX(Tape tape, Variable a, Tensor b, Tensor dy) {
    return times(tape, b, a, dy);
  }

  private static Tensor times(Tape tape, Tensor other, Variable of, Tensor dy) {
    Tensor gradient = tape.gradientLike(of, "multiply.gradient");
    tape.backend().elementwise().multiply(dy, other, gradient);
    return gradient;
  }
}
