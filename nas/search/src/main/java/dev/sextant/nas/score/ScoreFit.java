package dev.sextant.nas.score;

import dev.sextant.nas.linear.Cholesky;

/**
 * Scores of all networks of a space from those of some: ridge regression on a bias and every option
 * of every decision, so that a network's score is a sum. It is done with a kernel, the share of
 * decisions that two networks agree in; the ridge is the one that predicts each network best from
 * all others (leave-one-out, in closed form). Immutable.
 *
 * <p>Pairs of options predict the supernet's scores better. Whether they find better networks is
 * open: by one search on {@code bench/truth/fashion-5x3.csv} the mean gaps were 2.3 points with
 * them and 1.7 without, which is within what two seeds differ by.
 */
public final class ScoreFit {
  private static final double[] RIDGES = {0.003, 0.01, 0.03, 0.1, 0.3, 1};

  private final int[][] networks;
  private final double mean;
  private final double[] weights;
  private final double error;
  private final double deviation;

  private ScoreFit(
      int[][] networks, double mean, double[] weights, double error, double deviation) {
    this.networks = networks;
    this.mean = mean;
    this.weights = weights;
    this.error = error;
    this.deviation = deviation;
  }

  /**
   * Fits scores.
   *
   * @param networks decisions of each, at least one network
   * @param scores of each
   * @return the fit
   */
  public static ScoreFit of(int[][] networks, double[] scores) {
    int n = scores.length;
    double mean = 0;
    for (double score : scores) {
      mean += score / n;
    }
    double[] centred = new double[n];
    double squares = 0;
    for (int i = 0; i < n; i++) {
      centred[i] = scores[i] - mean;
      squares += centred[i] * centred[i];
    }
    double least = Double.POSITIVE_INFINITY;
    double[] weights = new double[n];
    double[][] kernel = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        kernel[i][j] = alike(networks[i], networks[j]);
      }
    }
    for (double ridge : RIDGES) {
      for (int i = 0; i < n; i++) {
        kernel[i][i] = 1 + ridge;
      }
      Cholesky factor = Cholesky.of(kernel);
      double[] solved = factor.solve(centred);
      double[] diagonal = factor.inverseDiagonal();
      double errors = 0;
      for (int i = 0; i < n; i++) {
        errors += solved[i] / diagonal[i] * (solved[i] / diagonal[i]);
      }
      if (errors < least) {
        least = errors;
        weights = solved;
      }
    }
    return new ScoreFit(networks, mean, weights, Math.sqrt(least / n), Math.sqrt(squares / n));
  }

  /** The share of decisions in which two networks agree. */
  private static double alike(int[] a, int[] b) {
    int alike = 0;
    for (int d = 0; d < a.length; d++) {
      alike += a[d] == b[d] ? 1 : 0;
    }
    return (double) alike / a.length;
  }

  /**
   * {@return the predicted score of a network}
   *
   * @param decisions of the network
   */
  public double of(int[] decisions) {
    double sum = mean;
    for (int i = 0; i < networks.length; i++) {
      sum += weights[i] * alike(networks[i], decisions);
    }
    return sum;
  }

  /**
   * {@return what each option adds}
   *
   * @param options how many options each decision has
   */
  public double[][] effects(int[] options) {
    double[][] effects = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      effects[d] = new double[options[d]];
      for (int i = 0; i < networks.length; i++) {
        effects[d][networks[i][d]] += weights[i] / options.length;
      }
    }
    return effects;
  }

  /** {@return the root mean square error of predicting each network from all others} */
  public double error() {
    return error;
  }

  /** {@return the deviation of the scores} */
  public double deviation() {
    return deviation;
  }
}
