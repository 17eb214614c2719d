package dev.sextant.nas.search;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.LayerSum.Term;
import dev.sextant.tensor.Rng;
import java.util.Arrays;

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
    LayerSum sum = cost.sum();
    for (double window = tolerance; ; window *= 2) {
      double low = ceiling ? 0 : budget * (1 - window);
      double high = ceiling ? budget : budget * (1 + window);
      Tilted networks = new Tilted(sum, 0);
      double uniform = networks.expected();
      if (uniform < low || uniform > high) {
        networks = tilted(cost, budget);
      }
      double tilt = networks.tilt;
      for (int i = 0; i < TRIES; i++) {
        int[] decisions = networks.draw(rng);
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
  private static Tilted tilted(ExpectedCost cost, double aim) {
    double range = Math.max(cost.maximum() - cost.minimum(), 1e-300);
    // Beyond 1000 / range all but the end's networks have weights of 0.
    double low = -1000 / range;
    double high = 1000 / range;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (new Tilted(cost.sum(), middle).expected() > aim) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return new Tilted(cost.sum(), (low + high) / 2);
  }

  private static int[] cheapest(ExpectedCost cost) {
    int[] options = cost.sum().options();
    double[][] alike = new double[options.length][];
    for (int d = 0; d < options.length; d++) {
      alike[d] = new double[options[d]];
      Arrays.fill(alike[d], 1.0 / options[d]);
    }
    double minimum = cost.minimum();
    // Rounding: sums in another order.
    int[] found = Derivation.mostProbable(alike, cost, minimum, minimum * (1 + 1e-9));
    if (found == null) {
      throw new IllegalStateException("no network costs the least");
    }
    return found;
  }

  /**
   * Networks with weights exp(-tilt x cost), drawn exactly: layer by layer, each in proportion to
   * the weights of all ways to go on.
   */
  private static final class Tilted {
    private final LayerSum sum;
    private final double tilt;

    /** ln of the sum of weights of all ways to go on, by term and width that it takes in. */
    private final double[][] logWeight;

    /** Mean cost of all ways to go on, by their weights. */
    private final double[][] mean;

    Tilted(LayerSum sum, double tilt) {
      this.sum = sum;
      this.tilt = tilt;
      int count = sum.terms().size();
      logWeight = new double[count + 1][];
      mean = new double[count + 1][];
      logWeight[count] = new double[count == 0 ? 1 : sum.options(sum.terms().getLast().out())];
      mean[count] = logWeight[count].clone();
      for (int t = count - 1; t >= 0; t--) {
        logWeight[t] = new double[sum.options(sum.terms().get(t).in())];
        mean[t] = new double[logWeight[t].length];
        for (int a = 0; a < logWeight[t].length; a++) {
          weigh(t, a);
        }
      }
    }

    private void weigh(int t, int a) {
      double[] ways = logWeights(t, a);
      double most = Arrays.stream(ways).max().orElse(0);
      double total = 0;
      double costs = 0;
      Term term = sum.terms().get(t);
      int candidates = sum.options(term.choice());
      for (int way = 0; way < ways.length; way++) {
        int b = way / candidates;
        double weight = Math.exp(ways[way] - most);
        total += weight;
        if (weight > 0) {
          costs += weight * (term.parts()[a][b][way % candidates] + mean[t + 1][b]);
        }
      }
      logWeight[t][a] = most + Math.log(total);
      mean[t][a] = costs / total;
    }

    /** By output width and candidate; minus infinity where widths do not join. */
    private double[] logWeights(int t, int a) {
      Term term = sum.terms().get(t);
      int candidates = sum.options(term.choice());
      double[] ways = new double[sum.options(term.out()) * candidates];
      for (int way = 0; way < ways.length; way++) {
        int b = way / candidates;
        ways[way] =
            term.joins(a, b)
                ? -tilt * term.parts()[a][b][way % candidates] + logWeight[t + 1][b]
                : Double.NEGATIVE_INFINITY;
      }
      return ways;
    }

    double expected() {
      return sum.fixed() + mean[0][0];
    }

    int[] draw(Rng rng) {
      int[] decisions = new int[sum.options().length];
      int width = 0;
      for (int t = 0; t < sum.terms().size(); t++) {
        Term term = sum.terms().get(t);
        double[] ways = logWeights(t, width);
        for (int way = 0; way < ways.length; way++) {
          ways[way] = Math.exp(ways[way] - logWeight[t][width]);
        }
        int way = rng.categorical(ways);
        int candidates = sum.options(term.choice());
        width = way / candidates;
        if (term.out() >= 0) {
          decisions[term.out()] = width;
        }
        if (term.choice() >= 0) {
          decisions[term.choice()] = way % candidates;
        }
      }
      return decisions;
    }
  }
}
