package dev.sextant.tensor.family;

import dev.sextant.tensor.Tensor;

/**
 * Products of matrices.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Gemm {
  /**
   * c = op(a) op(b), or c += op(a) op(b) where {@code accumulate}, on tensors of rank 2; op
   * transposes where asked. c is {@code [M, N]}, op(a) {@code [M, K]}, op(b) {@code [K, N]}.
   *
   * @param a rank 2
   * @param transposeA whether a is {@code [K, M]}, not {@code [M, K]}
   * @param b rank 2
   * @param transposeB whether b is {@code [N, K]}, not {@code [K, N]}
   * @param c written, {@code [M, N]}
   * @param accumulate whether the product is added to c
   */
  void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate);
}
