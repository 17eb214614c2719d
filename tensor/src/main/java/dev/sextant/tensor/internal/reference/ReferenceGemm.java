package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.GemmRules;

/** {@link Gemm} in double. */
final class ReferenceGemm implements Gemm {
  @Override
  public void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    GemmRules.multiply(a, transposeA, b, transposeB, c);
    double[] left = read(a);
    double[] right = read(b);
    double[] sums = accumulate ? read(c) : new double[c.size()];
    int m = c.shape().get(0);
    int n = c.shape().get(1);
    int k = a.shape().get(transposeA ? 0 : 1);
    for (int i = 0; i < m; i++) {
      for (int l = 0; l < k; l++) {
        double factor = left[transposeA ? l * m + i : i * k + l];
        for (int j = 0; j < n; j++) {
          sums[i * n + j] += factor * right[transposeB ? j * k + l : l * n + j];
        }
      }
    }
    write(sums, c);
  }
}
