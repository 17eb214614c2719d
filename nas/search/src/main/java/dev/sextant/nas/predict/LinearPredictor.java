package dev.sextant.nas.predict;

import dev.sextant.tensor.SextantException;

/**
 * Latency as a sum over features, least squares in double: what a latency table amounts to on
 * one-hot features, and the baseline a {@link LatencyPredictor} has to beat. Immutable.
 */
public final class LinearPredictor {
  /** One-hot features of a choice add up to one; a trace of ridge makes the solution unique. */
  private static final double RIDGE = 1e-6;

  /** One for each feature, then the constant. */
  private final double[] coefficients;

  private LinearPredictor(double[] coefficients) {
    this.coefficients = coefficients;
  }

  /**
   * {@return the least-squares fit to samples}
   *
   * @param samples encoded networks and their latencies in ms
   * @throws SextantException if there are none
   */
  public static LinearPredictor fit(LatencySamples samples) {
    if (samples.count() == 0) {
      throw new SextantException("linear predictor: no samples");
    }
    int size = samples.width() + 1;
    double[][] normal = new double[size][size];
    double[] right = new double[size];
    double[] row = new double[size];
    for (int i = 0; i < samples.count(); i++) {
      for (int j = 0; j < size - 1; j++) {
        row[j] = samples.features()[i * samples.width() + j];
      }
      row[size - 1] = 1;
      for (int j = 0; j < size; j++) {
        if (row[j] != 0) {
          right[j] += row[j] * samples.ms()[i];
          for (int k = 0; k <= j; k++) {
            normal[j][k] += row[j] * row[k];
          }
        }
      }
    }
    for (int j = 0; j < size; j++) {
      normal[j][j] += RIDGE * samples.count();
    }
    return new LinearPredictor(solve(normal, right));
  }

  /** Solves a x = b for a symmetric, positive definite a given by its lower half (Cholesky). */
  private static double[] solve(double[][] a, double[] b) {
    int size = b.length;
    for (int j = 0; j < size; j++) {
      for (int i = j; i < size; i++) {
        double sum = a[i][j];
        for (int k = 0; k < j; k++) {
          sum -= a[i][k] * a[j][k];
        }
        a[i][j] = i == j ? Math.sqrt(sum) : sum / a[j][j];
      }
    }
    double[] x = b.clone();
    for (int i = 0; i < size; i++) {
      for (int k = 0; k < i; k++) {
        x[i] -= a[i][k] * x[k];
      }
      x[i] /= a[i][i];
    }
    for (int i = size - 1; i >= 0; i--) {
      for (int k = i + 1; k < size; k++) {
        x[i] -= a[k][i] * x[k];
      }
      x[i] /= a[i][i];
    }
    return x;
  }

  /**
   * {@return the latency of each encoded architecture {@code [count, width]}, in ms}
   *
   * @param features rows of encoded architectures, one behind the other
   */
  public double[] predict(float[] features) {
    int width = coefficients.length - 1;
    if (features.length % width != 0) {
      throw new SextantException(
          "linear predictor: %d features are no rows of %d".formatted(features.length, width));
    }
    double[] ms = new double[features.length / width];
    for (int i = 0; i < ms.length; i++) {
      ms[i] = coefficients[width];
      for (int j = 0; j < width; j++) {
        ms[i] += coefficients[j] * features[i * width + j];
      }
    }
    return ms;
  }
}
