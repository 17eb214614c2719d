package dev.sextant.nas.score;

import dev.sextant.nas.linear.Cholesky;

/**
 * Scores of all networks of a space from those of some: ridge regression on a bias, every option of
 * every decision and, as far as they help to predict, every pair of options. It is done with a
 * kernel: two networks that agree in m of D decisions have in common m single features and m (m -
 * 1) / 2 pairs. The weight of the pairs and the ridge are those that predict each network best from
 * all others (leave-one-out, in closed form). Immutable.
 */
public final class ScoreFit {
  /** Of pairs against single options. */
  private static final double[] PAIRS = {0, 0.3, 1, 3};

  private static final double[] RIDGES = {0.003, 0.01, 0.03, 0.1, 0.3, 1};

  private final int[][] networks;
  private final double mean;
  private final double pairs;
  private final double[] weights;
  private final double error;
  private final double deviation;

  private ScoreFit(
      int[][] networks,
      double mean,
      double pairs,
      double[] weights,
      double error,
      double deviation) {
    this.networks = networks;
    this.mean = mean;
    this.pairs = pairs;
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
    double chosen = 0;
    double[] weights = new double[n];
    for (double pairs : PAIRS) {
      double[][] kernel = kernel(networks, pairs);
      for (double ridge : RIDGES) {
        for (int i = 0; i < n; i++) {
          kernel[i][i] = similarity(networks[i].length, networks[i].length, pairs) + ridge;
        }
        Cholesky factor = Cholesky.of(kernel);
        double[] solved = factor.solve(centred);
        double[] diagonal = factor.inverseDiagonal();
        double error = 0;
        for (int i = 0; i < n; i++) {
          error += solved[i] / diagonal[i] * (solved[i] / diagonal[i]);
        }
        if (error < least) {
          least = error;
          chosen = pairs;
          weights = solved;
        }
      }
    }
    return new ScoreFit(
        networks, mean, chosen, weights, Math.sqrt(least / n), Math.sqrt(squares / n));
  }

  private static double[][] kernel(int[][] networks, double pairs) {
    int n = networks.length;
    double[][] kernel = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        int alike = alike(networks[i], networks[j]);
        kernel[i][j] = similarity(alike, networks[i].length, pairs);
      }
    }
    return kernel;
  }

  private static int alike(int[] a, int[] b) {
    int alike = 0;
    for (int d = 0; d < a.length; d++) {
      alike += a[d] == b[d] ? 1 : 0;
    }
    return alike;
  }

  private static double similarity(int alike, int decisions, double pairs) {
    double single = (double) alike / decisions;
    return decisions < 2
        ? single
        : single + pairs * alike * (alike - 1) / ((double) decisions * (decisions - 1));
  }

  /**
   * {@return the predicted score of a network}
   *
   * @param decisions of the network
   */
  public double of(int[] decisions) {
    double sum = mean;
    for (int i = 0; i < networks.length; i++) {
      sum += weights[i] * similarity(alike(networks[i], decisions), decisions.length, pairs);
    }
    return sum;
  }

  /**
   * {@return what each option adds by itself, less what pairs do}
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

  /** {@return what pairs of options weigh against single ones; 0 where they do not help} */
  public double pairs() {
    return pairs;
  }
}
