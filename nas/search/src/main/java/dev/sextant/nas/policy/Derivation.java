package dev.sextant.nas.policy;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.LayerSum.Term;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From probabilities to one network: the most probable one, or the most probable one that costs
 * what the budget says.
 *
 * <p>The paper takes each choice's largest probability, but the network of the largest
 * probabilities need not cost what their expectation does (TuNAS, Table 11). Where it misses the
 * window, the network with the largest sum of ln p within it is found by dynamic programming along
 * the chain, over widths and costs: exactly while there are at most {@link #BINS} different costs
 * of prefixes, else over costs in that many steps.
 */
public final class Derivation {
  private static final int BINS = 1 << 15;

  /** Sums in another order differ by rounding. */
  private static final double ROUNDING = 1e-12;

  private Derivation() {}

  /**
   * {@return the most probable network}
   *
   * @param probabilities of each decision's options
   */
  public static int[] mostProbable(double[][] probabilities) {
    int[] decisions = new int[probabilities.length];
    for (int i = 0; i < decisions.length; i++) {
      decisions[i] = Probabilities.argmax(probabilities[i]);
    }
    return decisions;
  }

  /**
   * Decisions along the chain so far.
   *
   * @param cost of the layers so far
   * @param score sum of ln p
   * @param width option of the width that the last layer gives
   */
  private record Prefix(double cost, double score, int width, @Nullable Taken taken) {}

  /** A decision and those before it. */
  private record Taken(int decision, int option, @Nullable Taken before) {}

  /**
   * {@return the most probable network whose cost is in [low, high], or null if there is none}
   *
   * <p>In a space of more than {@link #BINS} different costs it may miss networks within 1/32768 of
   * the space's range per layer from an end of the window, and find one less probable by what
   * equally expensive prefixes differ in.
   *
   * @param probabilities of each decision's options
   * @param cost what networks cost
   * @param low least cost allowed
   * @param high greatest cost allowed
   */
  public static int @Nullable [] mostProbable(
      double[][] probabilities, ExpectedCost cost, double low, double high) {
    int[] free = mostProbable(probabilities);
    if (cost.of(free) >= low && cost.of(free) <= high) {
      return free;
    }
    LayerSum sum = cost.sum();
    double slack = ROUNDING * Math.abs(cost.maximum());
    double[][] least = sum.rest(false);
    double[][] most = sum.rest(true);
    // Where widths are searched each has its own steps, and goes on to each of the next ones.
    int widths = sum.terms().stream().mapToInt(term -> sum.options(term.out())).max().orElse(1);
    int bins = BINS / (widths * widths);
    double step = Math.max(0, high - cost.minimum()) / bins;
    List<Prefix> prefixes = List.of(new Prefix(sum.fixed(), 0, 0, null));
    for (int t = 0; t < sum.terms().size(); t++) {
      Term term = sum.terms().get(t);
      List<Prefix> longer = new ArrayList<>();
      for (Prefix prefix : prefixes) {
        for (int b = 0; b < sum.options(term.out()); b++) {
          if (term.joins(prefix.width, b)) {
            for (int j = 0; j < sum.options(term.choice()); j++) {
              Prefix next = longer(prefix, term, b, j, probabilities);
              if (next.cost + least[t + 1][b] <= high + slack
                  && next.cost + most[t + 1][b] >= low - slack) {
                longer.add(next);
              }
            }
          }
        }
      }
      prefixes = bestByCost(longer, slack, bins, step);
    }
    Prefix best = null;
    for (Prefix prefix : prefixes) {
      if (best == null || prefix.score > best.score) {
        best = prefix;
      }
    }
    if (best == null) {
      return null;
    }
    int[] decisions = new int[probabilities.length];
    for (Taken taken = best.taken; taken != null; taken = taken.before) {
      decisions[taken.decision] = taken.option;
    }
    return decisions;
  }

  /** The prefix with one layer more; a width is decided where a layer first gives it. */
  private static Prefix longer(
      Prefix prefix, Term term, int width, int candidate, double[][] probabilities) {
    double score = prefix.score;
    Taken taken = prefix.taken;
    if (term.out() >= 0 && term.out() != term.in()) {
      score += logOf(probabilities[term.out()][width]);
      taken = new Taken(term.out(), width, taken);
    }
    if (term.choice() >= 0) {
      score += logOf(probabilities[term.choice()][candidate]);
      taken = new Taken(term.choice(), candidate, taken);
    }
    double part = term.parts()[prefix.width][width][candidate];
    return new Prefix(prefix.cost + part, score, width, taken);
  }

  private static double logOf(double probability) {
    return Math.log(Math.max(probability, 1e-300));
  }

  /** The most probable prefix of each width and cost; of each step of costs if too many. */
  private static List<Prefix> bestByCost(
      List<Prefix> prefixes, double slack, int bins, double step) {
    prefixes.sort(
        Comparator.comparingInt(Prefix::width)
            .thenComparingDouble(Prefix::cost)
            .thenComparing(Comparator.comparingDouble(Prefix::score).reversed()));
    List<Prefix> distinct = merged(prefixes, slack);
    return distinct.size() <= bins ? distinct : merged(distinct, step);
  }

  /** Runs of prefixes that cost no more than {@code step} above the first of them become one. */
  private static List<Prefix> merged(List<Prefix> sorted, double step) {
    List<Prefix> merged = new ArrayList<>();
    double start = Double.NEGATIVE_INFINITY;
    int width = -1;
    for (Prefix prefix : sorted) {
      if (prefix.width != width || prefix.cost - start > step) {
        start = prefix.cost;
        width = prefix.width;
        merged.add(prefix);
      } else if (prefix.score > merged.getLast().score) {
        merged.set(merged.size() - 1, prefix);
      }
    }
    return merged;
  }
}
