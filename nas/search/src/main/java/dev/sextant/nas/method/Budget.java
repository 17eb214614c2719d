package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.runtime.Latency.Percentile;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a network may cost, and how that weighs in a search.
 *
 * @param cost asked for, in the unit of the cost
 * @param ceiling whether it may be undercut
 * @param lambda the objective's trade-off (lambda, lambda2 or beta) to start from
 * @param fixedLambda whether it stays; otherwise a controller meets the budget
 * @param noiseMs deviation of noise added to predicted latencies: the robustness experiment of
 *     Latency-Aware DARTS (0; Table 3)
 * @param others further budgets, each of which has a network of its own from the same search
 * @param front networks spread over the costs of the space that are measured beside these
 * @param percentile of latencies that the costs are, where they are latencies
 * @param limits what networks may cost besides, each by another cost
 * @param finalists most probable networks within the budget that are looked at on held-out images,
 *     to take the best of; 1 takes the most probable one, as published
 */
public record Budget(
    double cost,
    boolean ceiling,
    double lambda,
    boolean fixedLambda,
    double noiseMs,
    List<Double> others,
    int front,
    Percentile percentile,
    List<Limit> limits,
    int finalists) {
  /**
   * One budget.
   *
   * @param cost asked for, in the unit of the cost
   * @param ceiling whether it may be undercut
   * @param lambda the objective's trade-off to start from
   * @param fixedLambda whether it stays
   * @param noiseMs deviation of noise added to predicted latencies
   */
  public Budget(double cost, boolean ceiling, double lambda, boolean fixedLambda, double noiseMs) {
    this(cost, ceiling, lambda, fixedLambda, noiseMs, List.of(), 0, Percentile.P50, List.of(), 1);
  }

  /** Checks every number. */
  public Budget {
    // Runs that were begun before had one.
    others = others == null ? List.of() : List.copyOf(others);
    limits = limits == null ? List.of() : List.copyOf(limits);
    percentile = percentile == null ? Percentile.P50 : percentile;
    finalists = finalists == 0 ? 1 : finalists;
    Bounds.atLeast("finalists", finalists, 1);
    Bounds.within("budget", cost, 1e-6, 1e15);
    others.forEach(other -> Bounds.within("budget", other, 1e-6, 1e15));
    Bounds.atLeast("front", front, 0);
    Bounds.within("lambda", lambda, -1e15, 1e15);
    Bounds.within("prediction-noise", noiseMs, 0, 1e9);
  }

  /**
   * {@return the same that may be undercut, or not}
   *
   * @param other whether networks may cost less
   */
  public Budget withCeiling(boolean other) {
    return new Budget(
        cost, other, lambda, fixedLambda, noiseMs, others, front, percentile, limits, finalists);
  }

  /**
   * {@return the same with another trade-off, which stays or is controlled}
   *
   * @param other the trade-off
   * @param fixed whether it stays through the search
   */
  public Budget withLambda(double other, boolean fixed) {
    return new Budget(
        cost, ceiling, other, fixed, noiseMs, others, front, percentile, limits, finalists);
  }

  /**
   * {@return the same with noise added to predictions}
   *
   * @param otherMs standard deviation of the noise, in ms
   */
  public Budget withNoise(double otherMs) {
    return new Budget(
        cost, ceiling, lambda, fixedLambda, otherMs, others, front, percentile, limits, finalists);
  }

  /**
   * {@return the same with further budgets, and networks spread over all costs}
   *
   * @param further each served by a network of its own
   * @param spread how many networks are measured beside these, at least 0
   */
  public Budget withFront(List<Double> further, int spread) {
    return new Budget(
        cost,
        ceiling,
        lambda,
        fixedLambda,
        noiseMs,
        further,
        spread,
        percentile,
        limits,
        finalists);
  }

  /**
   * {@return the same of another percentile of latencies}
   *
   * @param other which
   */
  public Budget withPercentile(Percentile other) {
    return new Budget(
        cost, ceiling, lambda, fixedLambda, noiseMs, others, front, other, limits, finalists);
  }

  /**
   * {@return what is said behind a latency: nothing of a median, else such as {@code @p99}}
   *
   * @param percentile that it is of
   */
  public static String at(Percentile percentile) {
    return percentile == Percentile.P50 ? "" : "@" + percentile.text();
  }

  /**
   * {@return the same with other limits besides}
   *
   * @param other each of another cost
   */
  public Budget withLimits(List<Limit> other) {
    return new Budget(
        cost, ceiling, lambda, fixedLambda, noiseMs, others, front, percentile, other, finalists);
  }

  /**
   * {@return the same with another number of networks looked at in the end}
   *
   * @param other at least 1
   */
  public Budget withFinalists(int other) {
    return new Budget(
        cost, ceiling, lambda, fixedLambda, noiseMs, others, front, percentile, limits, other);
  }

  /** {@return this budget and the others, each alone} */
  public List<Budget> each() {
    return Stream.concat(Stream.of(cost), others.stream())
        .map(
            one ->
                new Budget(
                    one,
                    ceiling,
                    lambda,
                    fixedLambda,
                    noiseMs,
                    List.of(),
                    0,
                    percentile,
                    limits,
                    finalists))
        .toList();
  }
}
