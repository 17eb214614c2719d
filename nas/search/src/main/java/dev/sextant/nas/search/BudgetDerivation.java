package dev.sextant.nas.search;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import java.util.function.ToDoubleFunction;

/**
 * From probabilities to the most probable network that measures what the budget says, and to a
 * table that predicts it.
 *
 * <p>A table is calibrated on networks from all over the space; near the probable ones it may be a
 * few percent off. So where the network derived first measures otherwise than predicted, the
 * table's calibration is moved by that ratio, and the next network is derived with it.
 *
 * @param tolerance how far from the budget a network may be predicted; doubled where there is none
 */
record BudgetDerivation(Space space, SearchConfig config, double tolerance, Progress progress) {
  /** A measured latency further from the budget than this is corrected for. */
  private static final double CORRECTED = 0.01;

  private static final int CORRECTIONS = 4;

  /**
   * A network and the table that predicts it.
   *
   * @param decisions of each choice
   * @param table as given, or calibrated anew
   */
  record Derived(int[] decisions, LatencyTable table) {}

  /** Decisions of the most probable network that is predicted to be within the budget. */
  int[] predicted(double[][] preferences, ExpectedCost cost) {
    double budget = config.budget();
    for (double window = tolerance; ; window *= 2) {
      double low = config.ceiling() ? 0 : budget * (1 - window);
      double high = budget * (1 + (config.ceiling() ? window - tolerance : window));
      int[] decisions = Derivation.mostProbable(preferences, cost, low, high);
      if (decisions != null) {
        return decisions;
      }
    }
  }

  /** The most probable network that measures within the budget, of up to five measured. */
  Derived measured(
      double[][] preferences, LatencyTable table, ToDoubleFunction<Architecture> measure) {
    Derived best = derived(preferences, table);
    double bestError = Double.POSITIVE_INFINITY;
    Derived next = best;
    for (int correction = 0; ; correction++) {
      double measured = measure.applyAsDouble(space.derive(next.decisions));
      double predicted = next.table.costs(space).of(next.decisions);
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
      next = derived(preferences, next.table.corrected(measured / predicted));
    }
  }

  private Derived derived(double[][] preferences, LatencyTable table) {
    return new Derived(predicted(preferences, table.costs(space)), table);
  }
}
