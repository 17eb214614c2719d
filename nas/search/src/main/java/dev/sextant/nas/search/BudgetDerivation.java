package dev.sextant.nas.search;

import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import java.util.function.ToDoubleFunction;

/**
 * From probabilities to the most probable network that measures what the budget says, and to prices
 * that predict it.
 *
 * <p>A table is calibrated on networks from all over the space, and a predictor is trained on them;
 * near the probable ones both may be a few percent off. So where the network derived first measures
 * otherwise than predicted, predictions are corrected by that ratio, and the next network is
 * derived with them.
 *
 * @param tolerance how far from the budget a network may be predicted; doubled where there is none
 */
record BudgetDerivation(
    SearchSpace space, SearchConfig config, double tolerance, Progress progress) {
  /** A measured latency further from the budget than this is corrected for. */
  private static final double CORRECTED = 0.01;

  private static final int CORRECTIONS = 8;

  /**
   * A network and the prices that predict it.
   *
   * @param decisions of each choice
   * @param pricing as given, or corrected
   */
  record Derived(int[] decisions, Pricing pricing) {}

  /** Decisions of the most probable network that is predicted to be within the budget. */
  int[] predicted(double[][] preferences, Pricing pricing) {
    double budget = config.budget();
    for (double window = tolerance; ; window *= 2) {
      double low = config.ceiling() ? 0 : budget * (1 - window);
      double high = budget * (1 + (config.ceiling() ? window - tolerance : window));
      int[] decisions = pricing.mostProbable(preferences, low, high);
      if (decisions != null) {
        return decisions;
      }
    }
  }

  /** The most probable network that measures within the budget, of up to nine measured. */
  Derived measured(
      double[][] preferences, Pricing pricing, ToDoubleFunction<Architecture> measure) {
    Derived best = derived(preferences, pricing);
    double bestError = Double.POSITIVE_INFINITY;
    Derived next = best;
    for (int correction = 0; ; correction++) {
      double measured = measure.applyAsDouble(space.derive(next.decisions));
      double predicted = next.pricing.of(next.decisions);
      double error = measured / config.budget() - 1;
      if (config.ceiling()) {
        error = Math.max(0, error);
      }
      if (Math.abs(error) < bestError) {
        best = next;
        bestError = Math.abs(error);
      }
      if (bestError <= CORRECTED || correction == CORRECTIONS) {
        return best;
      }
      progress.message(
          "derived network takes %.4g ms, predicted %.4g: calibrated anew"
              .formatted(measured, predicted));
      next = derived(preferences, next.pricing.corrected(next.decisions, measured));
    }
  }

  private Derived derived(double[][] preferences, Pricing pricing) {
    return new Derived(predicted(preferences, pricing), pricing);
  }
}
