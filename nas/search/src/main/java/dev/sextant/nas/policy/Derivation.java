package dev.sextant.nas.policy;

import dev.sextant.nas.cost.ExpectedCost;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * From probabilities to one network: the most probable one, or the most probable one that costs
 * what the budget says.
 *
 * <p>The paper takes each choice's largest probability, but the network of the largest
 * probabilities need not cost what their expectation does (TuNAS, Table 11). Where it misses the
 * window, the network with the largest sum of ln p within it is found by dynamic programming over
 * costs in {@link #BINS} steps.
 */
public final class Derivation {
  private static final int BINS = 4000;

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
   * The most probable network whose cost is in [low, high], or null if there is none (up to the
   * resolution of 1/4000 of high per choice, where several costs fall in one step).
   */
  public static int @Nullable [] mostProbable(
      double[][] probabilities, ExpectedCost cost, double low, double high) {
    int[] free = mostProbable(probabilities);
    if (within(cost.of(free), low, high)) {
      return free;
    }
    int choices = probabilities.length;
    double[][] extra = new double[choices][];
    double base = cost.fixed();
    for (int i = 0; i < choices; i++) {
      extra[i] = cost.candidates(i);
      double least = Arrays.stream(extra[i]).min().orElse(0);
      base += least;
      for (int j = 0; j < extra[i].length; j++) {
        extra[i][j] -= least;
      }
    }
    if (base > high) {
      return null;
    }
    // best[b]: largest ln p of a prefix whose cost above base falls in bin b; exact costs are kept
    // beside it, so that rounding does not add up along the chain.
    double width = Math.max(high - base, 1e-12) / BINS;
    double[] best = new double[BINS + 1];
    double[] exact = new double[BINS + 1];
    int[][] chosen = new int[choices][BINS + 1];
    int[][] from = new int[choices][BINS + 1];
    Arrays.fill(best, Double.NEGATIVE_INFINITY);
    best[0] = 0;
    for (int i = 0; i < choices; i++) {
      double[] next = new double[BINS + 1];
      double[] nextExact = new double[BINS + 1];
      Arrays.fill(next, Double.NEGATIVE_INFINITY);
      for (int b = 0; b <= BINS; b++) {
        if (best[b] == Double.NEGATIVE_INFINITY) {
          continue;
        }
        for (int j = 0; j < extra[i].length; j++) {
          double total = exact[b] + extra[i][j];
          double score = best[b] + Math.log(Math.max(probabilities[i][j], 1e-300));
          int bin = (int) (total / width);
          if (base + total <= high && bin <= BINS && score > next[bin]) {
            next[bin] = score;
            nextExact[bin] = total;
            chosen[i][bin] = j;
            from[i][bin] = b;
          }
        }
      }
      best = next;
      exact = nextExact;
    }
    int end = -1;
    for (int b = 0; b <= BINS; b++) {
      if (best[b] > Double.NEGATIVE_INFINITY
          && within(base + exact[b], low, high)
          && (end < 0 || best[b] > best[end])) {
        end = b;
      }
    }
    if (end < 0) {
      return null;
    }
    int[] decisions = new int[choices];
    for (int i = choices - 1; i >= 0; i--) {
      decisions[i] = chosen[i][end];
      end = from[i][end];
    }
    return decisions;
  }

  private static boolean within(double cost, double low, double high) {
    return cost >= low && cost <= high;
  }
}
