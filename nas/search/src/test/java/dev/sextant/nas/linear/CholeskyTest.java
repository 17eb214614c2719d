package dev.sextant.nas.linear;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand. */
class CholeskyTest {
  private static final double[][] MATRIX = {{4, 2, 0}, {2, 5, 1}, {0, 1, 3}};

  @Test
  void solvesAndTellsDeterminantAndInverse() {
    Cholesky factor = Cholesky.of(MATRIX);
    assertArrayEquals(new double[] {1, -2, 3}, factor.solve(new double[] {0, -5, 7}), 1e-12);
    // 4 (15 - 1) - 2 * 6 = 44.
    assertEquals(Math.log(44), factor.logDeterminant(), 1e-12);
    // Cofactors: 14, 12, 16.
    assertArrayEquals(
        new double[] {14 / 44.0, 12 / 44.0, 16 / 44.0}, factor.inverseDiagonal(), 1e-12);
    assertEquals(42 / 44.0, factor.inverseTrace(), 1e-12);
  }

  @Test
  void refusesWhatIsNotPositiveDefinite() {
    assertThrows(ArithmeticException.class, () -> Cholesky.of(new double[][] {{1, 2}, {2, 1}}));
  }
}
