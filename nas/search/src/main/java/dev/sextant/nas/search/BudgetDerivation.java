package dev.sextant.nas.search;

import dev.sextant.nas.method.Budget;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * From what a search prefers to the network that it would take of those that measure what the
 * budget says, and to prices that predict it.
 *
 * <p>A table is calibrated on networks from all over the space, and a predictor is trained on them;
 * near the probable ones both may be off. So where the network derived first measures otherwise
 * than predicted, predictions are corrected by that ratio, and the next network is derived with
 * them. Once there are networks on both sides of the budget the correction is interpolated between
 * them (regula falsi): where latencies differ more than their predictions do, ratios alone would
 * swing from one side to the other.
 *
 * @param tolerance how far from the budget a network may be predicted; doubled where there is none
 */
record BudgetDerivation(SearchSpace space, Budget budget, double tolerance, Progress progress) {
  /** A measured latency further from the budget than this is corrected for. */
  private static final double CORRECTED = 0.01;

  private static final int CORRECTIONS = 8;

  /** Of the tolerance, for networks derived from corrected predictions. */
  private static final double FINER = 0.25;

  /**
   * A network and the prices that predict it.
   *
   * @param decisions of each choice
   * @param pricing as given, or corrected
   */
  record Derived(int[] decisions, Pricing pricing) {}

  /** Decisions of the network taken of those that are predicted to be within the budget. */
  int[] predicted(NetworkChoice choice, Pricing pricing) {
    return predicted(choice, pricing, tolerance);
  }

  private int[] predicted(NetworkChoice choice, Pricing pricing, double narrowest) {
    double cost = budget.cost();
    for (double window = narrowest; ; window *= 2) {
      double low = budget.ceiling() ? 0 : cost * (1 - window);
      double high = cost * (1 + (budget.ceiling() ? window - narrowest : window));
      int[] decisions = choice.best(pricing, low, high);
      if (decisions != null) {
        return decisions;
      }
    }
  }

  /** The most probable network that measures within the budget, of up to nine measured. */
  Derived measured(NetworkChoice choice, Pricing pricing, ToDoubleFunction<Architecture> measure) {
    Derived best = new Derived(predicted(choice, pricing), pricing);
    double bestError = Double.POSITIVE_INFINITY;
    Derived next = best;
    Aim aim = new Aim(budget.cost());
    double scale = 1;
    for (int correction = 0; ; correction++) {
      double measured = measure.applyAsDouble(space.derive(next.decisions));
      double error = measured / budget.cost() - 1;
      if (budget.ceiling()) {
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
          String.format(
              Locale.ROOT,
              "derived network takes %.4g ms, predicted %.4g: calibrated anew",
              measured,
              next.pricing.of(next.decisions)));
      aim.observe(pricing.of(next.decisions), measured);
      double ratio = aim.scale() / scale;
      scale *= ratio;
      Pricing corrected = next.pricing.corrected(next.decisions, measured, ratio);
      next = new Derived(predicted(choice, corrected, tolerance * FINER), corrected);
    }
  }

  /** What predictions are to be multiplied by, from the latest network on each side of a budget. */
  private static final class Aim {
    private final double budget;
    // Prediction, without any correction, and measurement; the prediction is 0 where there is none.
    private final double[] below = new double[2];
    private final double[] above = new double[2];
    private double[] latest = below;

    Aim(double budget) {
      this.budget = budget;
    }

    void observe(double predicted, double measured) {
      latest = measured < budget ? below : above;
      latest[0] = predicted;
      latest[1] = measured;
    }

    double scale() {
      if (below[0] == 0 || above[0] == 0) {
        return latest[1] / latest[0];
      }
      double share = (budget - below[1]) / (above[1] - below[1]);
      return budget / (below[0] + share * (above[0] - below[0]));
    }
  }
}
