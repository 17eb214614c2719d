package dev.sextant.nas.search;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.tensor.Rng;

/**
 * Uniform networks of a space whose cost is in a window: rejection sampling, as TuNAS compares.
 *
 * <p>Where the window lies far from what uniform networks cost, candidates are drawn with weights
 * exp(-tilt x cost), which hit it, and accepted with a probability of exp(tilt x cost) up to a
 * factor: networks in the window stay equally likely.
 */
final class RandomArchitectures {
  private static final int TRIES = 200_000;

  private RandomArchitectures() {}

  /**
   * Decisions drawn uniformly among those whose cost is within {@code tolerance} of the budget, or
   * up to the budget for a ceiling. Where no network of 200,000 falls in the window, it is doubled,
   * but never above a ceiling: then the cheapest network is what remains.
   */
  static int[] sample(
      ExpectedCost cost, double budget, double tolerance, boolean ceiling, Rng rng) {
    for (double window = tolerance; ; window *= 2) {
      double low = ceiling ? 0 : budget * (1 - window);
      double high = ceiling ? budget : budget * (1 + window);
      double[][] weights = tilted(cost, 0);
      double tilt = 0;
      double uniform = cost.expected(weights);
      if (uniform < low || uniform > high) {
        tilt = tilt(cost, budget);
        weights = tilted(cost, tilt);
      }
      for (int i = 0; i < TRIES; i++) {
        int[] decisions = draw(weights, rng);
        double ms = cost.of(decisions);
        // At most 1 within the window.
        double accepted = Math.exp(tilt * (ms - (tilt > 0 ? high : low)));
        if (ms >= low && ms <= high && rng.nextDouble() < accepted) {
          return decisions;
        }
      }
      if (ceiling) {
        return cheapest(cost);
      }
    }
  }

  /** The tilt at which the expected cost is the aim, to within rounding; by bisection. */
  private static double tilt(ExpectedCost cost, double aim) {
    double range = Math.max(cost.maximum() - cost.minimum(), 1e-300);
    // Beyond 1000 / range all but the end's networks have weights of 0.
    double low = -1000 / range;
    double high = 1000 / range;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (cost.expected(tilted(cost, middle)) > aim) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  private static double[][] tilted(ExpectedCost cost, double tilt) {
    double[][] weights = new double[cost.choices()][];
    for (int i = 0; i < weights.length; i++) {
      double[] costs = cost.candidates(i);
      double largest = Double.NEGATIVE_INFINITY;
      for (double c : costs) {
        largest = Math.max(largest, -tilt * c);
      }
      double sum = 0;
      for (int j = 0; j < costs.length; j++) {
        costs[j] = Math.exp(-tilt * costs[j] - largest);
        sum += costs[j];
      }
      for (int j = 0; j < costs.length; j++) {
        costs[j] /= sum;
      }
      weights[i] = costs;
    }
    return weights;
  }

  private static int[] draw(double[][] weights, Rng rng) {
    int[] decisions = new int[weights.length];
    for (int i = 0; i < decisions.length; i++) {
      decisions[i] = rng.categorical(weights[i]);
    }
    return decisions;
  }

  private static int[] cheapest(ExpectedCost cost) {
    int[] decisions = new int[cost.choices()];
    for (int i = 0; i < decisions.length; i++) {
      double[] costs = cost.candidates(i);
      for (int j = 1; j < costs.length; j++) {
        decisions[i] = costs[j] < costs[decisions[i]] ? j : decisions[i];
      }
    }
    return decisions;
  }
}
