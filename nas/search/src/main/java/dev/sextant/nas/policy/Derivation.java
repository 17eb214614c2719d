package dev.sextant.nas.policy;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.LayerSum.Term;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
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

  /** Prefixes of one cost that are kept because of ceilings; more than there are ceilings. */
  private static final int BESIDE = 16;

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
   * @param sums of them by the costs that have ceilings
   * @param score sum of ln p
   * @param width option of the width that the last layer gives
   */
  private record Prefix(
      double cost, double[] sums, double score, int width, @Nullable Taken taken) {
    /** Whether nothing can follow the other that does not as well follow this, and cost no more. */
    boolean serves(Prefix other) {
      boolean serves = score >= other.score;
      for (int c = 0; c < sums.length; c++) {
        serves &= sums[c] <= other.sums[c];
      }
      return serves;
    }
  }

  /**
   * A cost that may not be exceeded.
   *
   * @param sum of the same space as the other costs
   * @param most greatest sum allowed
   */
  public record Ceiling(LayerSum sum, double most) {}

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
    return mostProbable(probabilities, cost, low, high, List.of());
  }

  /**
   * {@return the most probable network whose cost is in [low, high] and which keeps ceilings, or
   * null if there is none}
   *
   * <p>Of prefixes of one cost those are kept that no other one beats in probability and in every
   * ceiling's cost, up to {@value #BESIDE} of them: it may miss the most probable network where
   * there are more, but never one that keeps a single ceiling by the least there is.
   *
   * @param probabilities of each decision's options
   * @param cost what networks cost
   * @param low least cost allowed
   * @param high greatest cost allowed
   * @param ceilings of further costs
   */
  public static int @Nullable [] mostProbable(
      double[][] probabilities,
      ExpectedCost cost,
      double low,
      double high,
      List<Ceiling> ceilings) {
    int[] free = mostProbable(probabilities);
    if (cost.of(free) >= low
        && cost.of(free) <= high
        && ceilings.stream().allMatch(ceiling -> ceiling.sum.of(free) <= ceiling.most)) {
      return free;
    }
    LayerSum sum = cost.sum();
    double[][][] leastSums =
        ceilings.stream().map(ceiling -> ceiling.sum.rest(false)).toArray(double[][][]::new);
    double slack = ROUNDING * Math.abs(cost.maximum());
    double[][] least = sum.rest(false);
    double[][] most = sum.rest(true);
    // Where widths are searched each has its own steps, and goes on to each of the next ones.
    int widths = sum.terms().stream().mapToInt(term -> sum.options(term.out())).max().orElse(1);
    int bins = BINS / (widths * widths * (ceilings.isEmpty() ? 1 : BESIDE));
    double step = Math.max(0, high - cost.minimum()) / bins;
    double[] fixed = ceilings.stream().mapToDouble(ceiling -> ceiling.sum.fixed()).toArray();
    List<Prefix> prefixes = List.of(new Prefix(sum.fixed(), fixed, 0, 0, null));
    for (int t = 0; t < sum.terms().size(); t++) {
      Term term = sum.terms().get(t);
      List<Prefix> longer = new ArrayList<>();
      for (Prefix prefix : prefixes) {
        for (int b = 0; b < sum.options(term.out()); b++) {
          if (term.joins(prefix.width, b)) {
            for (int j = 0; j < sum.options(term.choice()); j++) {
              double[] sums = longer(prefix, ceilings, t, b, j);
              Prefix next = longer(prefix, term, sums, b, j, probabilities);
              if (next.cost + least[t + 1][b] <= high + slack
                  && next.cost + most[t + 1][b] >= low - slack
                  && keeps(sums, ceilings, leastSums, t + 1, b)) {
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

  private static double[] longer(
      Prefix prefix, List<Ceiling> ceilings, int t, int width, int candidate) {
    if (ceilings.isEmpty()) {
      return prefix.sums;
    }
    double[] sums = prefix.sums.clone();
    for (int c = 0; c < sums.length; c++) {
      sums[c] += ceilings.get(c).sum.terms().get(t).parts()[prefix.width][width][candidate];
    }
    return sums;
  }

  /** Whether some way to go on from term t keeps each ceiling. */
  private static boolean keeps(
      double[] sums, List<Ceiling> ceilings, double[][][] least, int t, int width) {
    for (int c = 0; c < sums.length; c++) {
      double most = ceilings.get(c).most;
      if (!(sums[c] + least[c][t][width] <= most * (1 + ROUNDING))) {
        return false;
      }
    }
    return true;
  }

  /** The prefix with one layer more; a width is decided where a layer first gives it. */
  private static Prefix longer(
      Prefix prefix, Term term, double[] sums, int width, int candidate, double[][] probabilities) {
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
    return new Prefix(prefix.cost + part, sums, score, width, taken);
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

  /**
   * Runs of prefixes that cost no more than {@code step} above the first of them become one; with
   * ceilings, those that no other one of the run serves for.
   */
  private static List<Prefix> merged(List<Prefix> sorted, double step) {
    List<Prefix> merged = new ArrayList<>();
    double start = Double.NEGATIVE_INFINITY;
    int width = -1;
    int run = 0;
    for (Prefix prefix : sorted) {
      if (prefix.width != width || prefix.cost - start > step) {
        start = prefix.cost;
        width = prefix.width;
        run = merged.size();
        merged.add(prefix);
      } else {
        join(prefix, merged.subList(run, merged.size()));
      }
    }
    return merged;
  }

  private static void join(Prefix prefix, List<Prefix> run) {
    for (Prefix other : run) {
      if (other.serves(prefix)) {
        return;
      }
    }
    run.removeIf(prefix::serves);
    run.add(prefix);
    if (run.size() > BESIDE) {
      Prefix least = leastOf(run);
      run.removeIf(other -> other == least);
    }
  }

  /** The least probable one that is not the cheapest by any ceiling's cost. */
  private static Prefix leastOf(List<Prefix> run) {
    Set<Prefix> cheapest = Collections.newSetFromMap(new IdentityHashMap<>());
    for (int c = 0; c < run.getFirst().sums.length; c++) {
      int at = c;
      cheapest.add(Collections.min(run, Comparator.comparingDouble(p -> p.sums[at])));
    }
    return run.stream()
        .filter(prefix -> !cheapest.contains(prefix))
        .min(Comparator.comparingDouble(Prefix::score))
        .orElseThrow();
  }
}
