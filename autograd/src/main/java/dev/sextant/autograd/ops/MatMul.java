package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;

/** y = x w: x {@code [N, K]}, w {@code [K, M]}, y {@code [N, M]}. */
public final class MatMul {
  private MatMul() {}

  /** The matrix product. */
  public static Variable apply(Tape tape, Variable x, Variable w) {
    Tensor y = tape.output(Check.gemm(x.shape(), false, w.shape(), false), "matmul");
    tape.backend().gemm(x.value(), false, w.value(), false, y, false);
    // As they are now: what is thawed later was not saved for.
    boolean forX = x.requiresGradient();
    boolean forW = w.requiresGradient();
    return tape.record(
        "matmul",
        y,
        new Variable[] {x, w},
        Operands.saved(x, w),
        dy -> {
          if (forW) {
            Tensor dw = tape.gradientLike(w, "matmul.gradient");
            tape.backend().gemm(x.value(), true, dy, false, dw, false);
            tape.accumulate(w, dw);
          }
          if (forX) {
            Tensor dx = tape.gradientLike(x, "matmul.gradient");
            tape.backend().gemm(dy, false, w.value(), true, dx, false);
            tape.accumulate(x, dx);
          }
        });
  }
}
