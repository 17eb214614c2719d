package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.GemmRules;

/** y = x w: x {@code [N, K]}, w {@code [K, M]}, y {@code [N, M]}. */
public final class MatMul extends Product {
  private static final Kind<MatMul> KIND = new Kind<>("matmul", MatMul::new);

  private MatMul() {}

  /**
   * {@return the matrix product}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x {@code [M, K]}
   * @param w {@code [K, N]}
   */
  public static Variable apply(Tape tape, Variable x, Variable w) {
    Tensor y = tape.output(GemmRules.output(x.shape(), false, w.shape(), false), "matmul");
    tape.backend().gemm().multiply(x.value(), false, w.value(), false, y, false);
    MatMul op = tape.op(KIND);
    op.operands(x, w);
    return tape.record(op, y);
  }

  @Override
  Tensor gradientOfW(Tape tape, Tensor x, Variable w, Tensor dy) {
    Tensor dw = tape.gradientLike(w, "matmul.gradient");
    tape.backend().gemm().multiply(x, true, dy, false, dw, false);
    return dw;
  }

  @Override
  Tensor gradientOfX(Tape tape, Variable x, Tensor w, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "matmul.gradient");
    tape.backend().gemm().multiply(dy, false, w, true, dx, false);
    return dx;
  }
}
