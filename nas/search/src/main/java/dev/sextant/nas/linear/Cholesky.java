package dev.sextant.nas.linear;

/** The decomposition A = L L' of a symmetric positive definite matrix. Immutable. */
public final class Cholesky {
  private final double[][] lower;

  private Cholesky(double[][] lower) {
    this.lower = lower;
  }

  /**
   * Decomposes a matrix.
   *
   * @param matrix symmetric, n by n; its lower triangle is read
   * @return the decomposition
   * @throws ArithmeticException if it is not positive definite
   */
  public static Cholesky of(double[][] matrix) {
    int n = matrix.length;
    double[][] lower = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = matrix[i][j];
        for (int k = 0; k < j; k++) {
          sum -= lower[i][k] * lower[j][k];
        }
        if (i == j) {
          if (!(sum > 0)) {
            throw new ArithmeticException("the matrix is not positive definite");
          }
          lower[i][i] = Math.sqrt(sum);
        } else {
          lower[i][j] = sum / lower[j][j];
        }
      }
    }
    return new Cholesky(lower);
  }

  /**
   * {@return the solution x of A x = b}
   *
   * @param b of n numbers
   */
  public double[] solve(double[] b) {
    double[] x = b.clone();
    int n = x.length;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < i; k++) {
        x[i] -= lower[i][k] * x[k];
      }
      x[i] /= lower[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
      for (int k = i + 1; k < n; k++) {
        x[i] -= lower[k][i] * x[k];
      }
      x[i] /= lower[i][i];
    }
    return x;
  }

  /** {@return the natural logarithm of A's determinant} */
  public double logDeterminant() {
    double sum = 0;
    for (int i = 0; i < lower.length; i++) {
      sum += 2 * Math.log(lower[i][i]);
    }
    return sum;
  }

  /** {@return the diagonal of A's inverse} */
  public double[] inverseDiagonal() {
    int n = lower.length;
    double[] diagonal = new double[n];
    double[] column = new double[n];
    // A's inverse is the product of L's inverse, transposed, with itself.
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) {
        double sum = i == j ? 1 : 0;
        for (int k = j; k < i; k++) {
          sum -= lower[i][k] * column[k];
        }
        column[i] = sum / lower[i][i];
        diagonal[j] += column[i] * column[i];
      }
    }
    return diagonal;
  }

  /** {@return the sum of the diagonal of A's inverse} */
  public double inverseTrace() {
    double trace = 0;
    for (double value : inverseDiagonal()) {
      trace += value;
    }
    return trace;
  }
}
