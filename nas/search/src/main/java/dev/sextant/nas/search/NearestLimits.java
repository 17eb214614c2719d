package dev.sextant.nas.search;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.method.Budget;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Whether a budget and limits can be met together, and by what network nearly, where not. */
final class NearestLimits {
  /** Of the range in which the excess is sought: to a thousandth of itself. */
  private static final int HALVINGS = 20;

  private static final double MOST = 1e9;

  private NearestLimits() {}

  /**
   * Checks that some network does.
   *
   * @throws SextantException with the network that exceeds budget and limits by the smallest share
   */
  static void check(Budget budget, Pricing priced, Limits limits) {
    if (network(budget, priced, limits, RunStages.TOLERANCE, 0) != null) {
      return;
    }
    double low = 0;
    double high = 0.01;
    int[] nearest = network(budget, priced, limits, RunStages.TOLERANCE, high);
    while (nearest == null && high < MOST) {
      low = high;
      high *= 2;
      nearest = network(budget, priced, limits, RunStages.TOLERANCE, high);
    }
    for (int i = 0; i < HALVINGS && nearest != null; i++) {
      double middle = (low + high) / 2;
      int[] found = network(budget, priced, limits, RunStages.TOLERANCE, middle);
      if (found == null) {
        low = middle;
      } else {
        high = middle;
        nearest = found;
      }
    }
    CostUnit unit = priced.model().unit();
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "max: no network of %s meets the budget of %s and all limits; %s",
            limits.space().name(),
            unit.format(budget.cost()),
            nearest == null
                ? "none comes near"
                : String.format(
                    Locale.ROOT,
                    "the nearest has %s, %s",
                    unit.format(priced.of(nearest)),
                    limits.words(nearest))));
  }

  /** A network that exceeds nothing by more than that share. */
  private static int @Nullable [] network(
      Budget budget, Pricing priced, Limits limits, double tolerance, double excess) {
    double low = budget.ceiling() ? 0 : budget.cost() * (1 - tolerance - excess);
    double high = budget.cost() * (1 + (budget.ceiling() ? 0 : tolerance) + excess);
    int[] options = limits.space().options();
    double[][] alike = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      alike[d] = new double[options[d]];
      Arrays.fill(alike[d], 1.0 / options[d]);
    }
    return new Pricing.Limited(priced, limits.times(1 + excess)).mostProbable(alike, low, high);
  }
}
