package dev.sextant.nas.cost;

/**
 * The expected cost of a space's networks under independent decisions (ProxylessNAS, eq. 5-6): E =
 * fixed + sum over choices of sum over candidates of p_j F_j. Immutable.
 */
public final class ExpectedCost {
  private final double fixed;
  private final double[][] candidates;

  /**
   * Costs of a space.
   *
   * @param fixed of all layers that are no choice, and what a network costs besides its layers
   * @param candidates of each choice's candidates, in the unit of {@code fixed}
   */
  public ExpectedCost(double fixed, double[][] candidates) {
    this.fixed = fixed;
    this.candidates = new double[candidates.length][];
    for (int i = 0; i < candidates.length; i++) {
      this.candidates[i] = candidates[i].clone();
    }
  }

  /** What every network of the space costs at least for its fixed part. */
  public double fixed() {
    return fixed;
  }

  /** The costs of a choice's candidates: the derivative of E by their probabilities. */
  public double[] candidates(int choice) {
    return candidates[choice].clone();
  }

  /** The cost of one candidate of a choice. */
  public double candidate(int choice, int candidate) {
    return candidates[choice][candidate];
  }

  /** Number of candidates of a choice. */
  public int candidateCount(int choice) {
    return candidates[choice].length;
  }

  /** Number of choices. */
  public int choices() {
    return candidates.length;
  }

  /** E under these probabilities of each choice's candidates. */
  public double expected(double[][] probabilities) {
    double sum = fixed;
    for (int i = 0; i < candidates.length; i++) {
      for (int j = 0; j < candidates[i].length; j++) {
        sum += probabilities[i][j] * candidates[i][j];
      }
    }
    return sum;
  }

  /** The cost of one network. */
  public double of(int[] decisions) {
    double sum = fixed;
    for (int i = 0; i < candidates.length; i++) {
      sum += candidates[i][decisions[i]];
    }
    return sum;
  }

  /** The cheapest network's cost. */
  public double minimum() {
    double sum = fixed;
    for (double[] costs : candidates) {
      double least = Double.POSITIVE_INFINITY;
      for (double cost : costs) {
        least = Math.min(least, cost);
      }
      sum += least;
    }
    return sum;
  }

  /** The dearest network's cost. */
  public double maximum() {
    double sum = fixed;
    for (double[] costs : candidates) {
      double most = Double.NEGATIVE_INFINITY;
      for (double cost : costs) {
        most = Math.max(most, cost);
      }
      sum += most;
    }
    return sum;
  }
}
