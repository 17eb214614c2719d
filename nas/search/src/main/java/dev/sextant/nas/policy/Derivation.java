package dev.sextant.nas.policy;

import dev.sextant.nas.cost.ExpectedCost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From probabilities to one network: the most probable one, or the most probable one that costs
 * what the budget says.
 *
 * <p>The paper takes each choice's largest probability, but the network of the largest
 * probabilities need not cost what their expectation does (TuNAS, Table 11). Where it misses the
 * window, the network with the largest sum of ln p within it is found by dynamic programming over
 * costs: exactly while there are at most {@link #BINS} different costs of prefixes, else over costs
 * in that many steps.
 */
public final class Derivation {
  private static final int BINS = 1 << 15;

  /** Sums in another order differ by rounding. */
  private static final double ROUNDING = 1e-12;

  private Derivation() {}

  /** The most probable network. */
  public static int[] mostProbable(double[][] probabilities) {
    int[] decisions = new int[probabilities.length];
    for (int i = 0; i < decisions.length; i++) {
      decisions[i] = Probabilities.argmax(probabilities[i]);
    }
    return decisions;
  }

  /**
   * Decisions for the first choices.
   *
   * @param extra cost above the cheapest decisions'
   * @param score sum of ln p
   * @param before decisions for one choice fewer; null for none
   */
  private record Prefix(double extra, double score, int decision, @Nullable Prefix before) {}

  /**
   * The most probable network whose cost is in [low, high], or null if there is none.
   *
   * <p>In a space of more than {@link #BINS} different costs it may miss networks within 1/32768 of
   * the space's range per choice from an end of the window, and find one less probable by what
   * equally expensive prefixes differ in.
   */
  public static int @Nullable [] mostProbable(
      double[][] probabilities, ExpectedCost cost, double low, double high) {
    int[] free = mostProbable(probabilities);
    if (cost.of(free) >= low && cost.of(free) <= high) {
      return free;
    }
    int choices = probabilities.length;
    double slack = ROUNDING * Math.abs(cost.maximum());
    double most = high - cost.minimum() + slack;
    double least = low - cost.minimum() - slack;
    double open = cost.maximum() - cost.minimum();
    List<Prefix> prefixes = List.of(new Prefix(0, 0, -1, null));
    for (int i = 0; i < choices; i++) {
      double[] costs = cost.candidates(i);
      double cheapest = Arrays.stream(costs).min().orElse(0);
      // What the choices after this one can add at most: prefixes that cannot reach low are dead.
      open -= Arrays.stream(costs).max().orElse(0) - cheapest;
      List<Prefix> longer = new ArrayList<>();
      for (Prefix prefix : prefixes) {
        for (int j = 0; j < costs.length; j++) {
          double extra = prefix.extra + costs[j] - cheapest;
          if (extra <= most && extra + open + slack >= least) {
            double score = prefix.score + Math.log(Math.max(probabilities[i][j], 1e-300));
            longer.add(new Prefix(extra, score, j, prefix));
          }
        }
      }
      prefixes = bestByCost(longer, most, slack);
    }
    Prefix best = null;
    for (Prefix prefix : prefixes) {
      if (prefix.extra >= least && (best == null || prefix.score > best.score)) {
        best = prefix;
      }
    }
    if (best == null) {
      return null;
    }
    int[] decisions = new int[choices];
    int i = choices;
    for (Prefix prefix = best; prefix != null && prefix.before != null; prefix = prefix.before) {
      decisions[--i] = prefix.decision;
    }
    return decisions;
  }

  /** The most probable prefix of each cost; of each of BINS steps where there are too many. */
  private static List<Prefix> bestByCost(List<Prefix> prefixes, double most, double slack) {
    prefixes.sort(
        Comparator.comparingDouble(Prefix::extra)
            .thenComparing(Comparator.comparingDouble(Prefix::score).reversed()));
    List<Prefix> distinct = merged(prefixes, slack);
    return distinct.size() <= BINS ? distinct : merged(distinct, most / BINS);
  }

  /** Runs of prefixes that cost no more than {@code width} above the first of them become one. */
  private static List<Prefix> merged(List<Prefix> sorted, double width) {
    List<Prefix> merged = new ArrayList<>();
    double start = Double.NEGATIVE_INFINITY;
    for (Prefix prefix : sorted) {
      if (prefix.extra - start > width) {
        start = prefix.extra;
        merged.add(prefix);
      } else if (prefix.score > merged.getLast().score) {
        merged.set(merged.size() - 1, prefix);
      }
    }
    return merged;
  }
}
