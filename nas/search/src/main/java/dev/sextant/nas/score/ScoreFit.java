package dev.sextant.nas.score;

import dev.sextant.nas.linear.Cholesky;
import java.util.Arrays;

/**
 * Scores of all networks of a space from those of some: ridge regression on a bias, every option of
 * every decision, and every pair of options of two decisions. It is done with a kernel, the share
 * of decisions that two networks agree in and the share of pairs of decisions; how much the pairs
 * count and the ridge are those that predict each network best from all others (leave-one-out, in
 * closed form). Where nothing but noise is left to the pairs the score is a sum of options.
 * Immutable.
 */
public final class ScoreFit {
  private static final double[] RIDGES = {0.003, 0.01, 0.03, 0.1, 0.3, 1};

  /** Shares of the pairs in the kernel. */
  private static final double[] PAIRS = {0, 0.3, 0.7};

  private final int[][] networks;
  private final double pairs;
  private final double mean;
  private final double[] weights;
  private final double error;
  private final double deviation;

  private ScoreFit(
      int[][] networks,
      double pairs,
      double mean,
      double[] weights,
      double error,
      double deviation) {
    this.networks = networks;
    this.pairs = pairs;
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
    double bestPairs = 0;
    double[] weights = new double[n];
    double[][] kernel = new double[n][n];
    for (double pairs : PAIRS) {
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
          kernel[i][j] = alike(networks[i], networks[j], pairs);
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
          bestPairs = pairs;
          weights = solved;
        }
      }
    }
    return new ScoreFit(
        networks, bestPairs, mean, weights, Math.sqrt(least / n), Math.sqrt(squares / n));
  }

  /** How much two networks agree: 1 where they are the same. */
  private static double alike(int[] a, int[] b, double pairs) {
    int alike = 0;
    for (int d = 0; d < a.length; d++) {
      alike += a[d] == b[d] ? 1 : 0;
    }
    if (a.length == 1) {
      return alike;
    }
    double ofPairs = alike * (alike - 1.0) / (a.length * (a.length - 1.0));
    return (1 - pairs) * alike / a.length + pairs * ofPairs;
  }

  /**
   * {@return the predicted score of a network}
   *
   * @param decisions of the network
   */
  public double of(int[] decisions) {
    double sum = mean;
    for (int i = 0; i < networks.length; i++) {
      sum += weights[i] * alike(networks[i], decisions, pairs);
    }
    return sum;
  }

  /**
   * {@return what each option adds, on the average over the options of the other decisions}
   *
   * @param options how many options each decision has
   */
  public double[][] effects(int[] options) {
    int count = options.length;
    double agreeing = Arrays.stream(options).mapToDouble(of -> 1.0 / of).sum();
    double[][] effects = new double[count][];
    for (int d = 0; d < count; d++) {
      double others = agreeing - 1.0 / options[d];
      double ofPairs = count == 1 ? 0 : pairs * 2 * others / (count - 1);
      double share = ((count == 1 ? 1 : 1 - pairs) + ofPairs) / count;
      effects[d] = new double[options[d]];
      for (int i = 0; i < networks.length; i++) {
        effects[d][networks[i][d]] += weights[i] * share;
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
