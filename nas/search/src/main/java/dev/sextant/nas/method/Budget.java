package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * What a network may cost, and how that weighs in a search.
 *
 * @param cost asked for, in the unit of the cost
 * @param ceiling whether it may be undercut
 * @param lambda the objective's trade-off (lambda, lambda2 or beta) to start from
 * @param fixedLambda whether it stays; otherwise a controller meets the budget
 * @param noiseMs deviation of noise added to predicted latencies: the robustness experiment of
 *     Latency-Aware DARTS (0; Table 3)
 */
public record Budget(
    double cost, boolean ceiling, double lambda, boolean fixedLambda, double noiseMs) {
  /** Checks every number. */
  public Budget {
    Bounds.within("budget", cost, 1e-6, 1e15);
    Bounds.within("lambda", lambda, -1e15, 1e15);
    Bounds.within("prediction-noise", noiseMs, 0, 1e9);
  }

  /**
   * {@return the same that may be undercut, or not}
   *
   * @param other whether networks may cost less
   */
  public Budget withCeiling(boolean other) {
    return new Budget(cost, other, lambda, fixedLambda, noiseMs);
  }

  /**
   * {@return the same with another trade-off, which stays or is controlled}
   *
   * @param other the trade-off
   * @param fixed whether it stays through the search
   */
  public Budget withLambda(double other, boolean fixed) {
    return new Budget(cost, ceiling, other, fixed, noiseMs);
  }

  /**
   * {@return the same with noise added to predictions}
   *
   * @param otherMs standard deviation of the noise, in ms
   */
  public Budget withNoise(double otherMs) {
    return new Budget(cost, ceiling, lambda, fixedLambda, otherMs);
  }
}
