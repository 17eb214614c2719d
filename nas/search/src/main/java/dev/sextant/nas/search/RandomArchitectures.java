package dev.sextant.nas.search;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.tensor.Rng;

/** Uniform networks of a space whose cost is in a window: rejection sampling, as TuNAS compares. */
final class RandomArchitectures {
  private static final int TRIES = 200_000;

  private RandomArchitectures() {}

  /**
   * Decisions drawn uniformly until the cost is within {@code tolerance} of the budget (below it
   * only, for a ceiling). Where a window is so far from what uniform networks cost that none of
   * 200,000 falls in it, the tolerance is doubled.
   */
  static int[] sample(
      ExpectedCost cost, double budget, double tolerance, boolean ceiling, Rng rng) {
    for (double window = tolerance; ; window *= 2) {
      double low = ceiling ? 0 : budget * (1 - window);
      double high = ceiling ? budget * (1 + window - tolerance) : budget * (1 + window);
      for (int i = 0; i < TRIES; i++) {
        int[] decisions = draw(cost, rng);
        double ms = cost.of(decisions);
        if (ms >= low && ms <= high) {
          return decisions;
        }
      }
    }
  }

  private static int[] draw(ExpectedCost cost, Rng rng) {
    int[] decisions = new int[cost.choices()];
    for (int i = 0; i < decisions.length; i++) {
      decisions[i] = rng.nextInt(cost.candidateCount(i));
    }
    return decisions;
  }
}
