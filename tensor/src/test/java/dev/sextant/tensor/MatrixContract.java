package dev.sextant.tensor;

import dev.sextant.tensor.Trial.Operand;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Matrix products. */
interface MatrixContract extends ContractSubject {
  int[] EXTENTS = {0, 1, 5, 16, 17, 33};

  @ParameterizedTest
  @CsvSource({"false,false", "false,true", "true,false", "true,true"})
  default void gemm(boolean transposeA, boolean transposeB) {
    for (int m : EXTENTS) {
      for (int n : EXTENTS) {
        for (int k : EXTENTS) {
          gemm(m, n, k, transposeA, transposeB);
        }
      }
    }
    gemm(130, 67, 301, transposeA, transposeB);
    gemm(3, 300, 70, transposeA, transposeB);
    gemm(513, 24, 144, transposeA, transposeB);
  }

  private void gemm(int m, int n, int k, boolean transposeA, boolean transposeB) {
    try (Trial trial = trial("gemm %dx%dx%d %s %s", m, n, k, transposeA, transposeB)) {
      Operand a = transposeA ? trial.random(k, m) : trial.random(m, k);
      Operand b = transposeB ? trial.random(n, k) : trial.random(k, n);
      Operand product = trial.output(Shape.of(m, n));
      Operand sum = trial.updated(Shape.of(m, n));
      trial.run(
          s -> s.gemm().multiply(a.on(s), transposeA, b.on(s), transposeB, product.on(s), false));
      trial.run(s -> s.gemm().multiply(a.on(s), transposeA, b.on(s), transposeB, sum.on(s), true));
    }
  }
}
