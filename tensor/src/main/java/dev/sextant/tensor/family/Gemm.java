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
   */
  void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate);
}
