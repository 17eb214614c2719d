package dev.sextant.nas.shrink;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One option of every choice, so that the sum of costs is within a budget and the sum of scores the
 * least there is: a multiple-choice knapsack (Kellerer et al., Knapsack Problems, 2004, chapter
 * 11). Solved choice by choice: of partial sums only those stay that no other one beats at both,
 * and of these only those whose completion by the linear relaxation is better than the best
 * solution known.
 */
public final class ExactChoice {
  /** Partial sums kept beyond which the solution may not be the best, and its gap is told. */
  private static final int MOST = 1 << 18;

  private final double[][] costs;
  private final double[][] scores;
  private final Relaxation[] rests;

  /**
   * A solution.
   *
   * @param options of each choice
   * @param score their sum
   * @param bound no solution has a smaller sum than this; equal to the score where it is proved to
   *     be the best
   */
  public record Choice(int[] options, double score, double bound) {}

  /** A partial sum, and the option that led to it. */
  private record State(@Nullable State before, int option, double cost, double score) {}

  /** The least score of the choices from one on, for any cost, were options divisible. */
  private static final class Relaxation {
    private final double leastCost;
    private final double score;
    // Steps down from the cheapest options, the best first: cost and score of all up to each.
    private final double[] cost;
    private final double[] gain;

    Relaxation(double leastCost, double score, List<double[]> steps) {
      this.leastCost = leastCost;
      this.score = score;
      cost = new double[steps.size() + 1];
      gain = new double[steps.size() + 1];
      for (int i = 0; i < steps.size(); i++) {
        cost[i + 1] = cost[i] + steps.get(i)[0];
        gain[i + 1] = gain[i] + steps.get(i)[1];
      }
    }

    double bound(double budget) {
      double left = budget - leastCost;
      if (left < 0) {
        return Double.POSITIVE_INFINITY;
      }
      int at = Arrays.binarySearch(cost, left);
      int below = at >= 0 ? at : -at - 2;
      if (below == cost.length - 1) {
        return score - gain[below];
      }
      double share = (left - cost[below]) / (cost[below + 1] - cost[below]);
      return score - gain[below] - share * (gain[below + 1] - gain[below]);
    }
  }

  private ExactChoice(double[][] costs, double[][] scores) {
    this.costs = costs;
    this.scores = scores;
    rests = new Relaxation[costs.length + 1];
    List<double[]> steps = new ArrayList<>();
    double cost = 0;
    double score = 0;
    rests[costs.length] = new Relaxation(0, 0, steps);
    for (int choice = costs.length - 1; choice >= 0; choice--) {
      List<Integer> hull = hull(costs[choice], scores[choice]);
      cost += costs[choice][hull.getFirst()];
      score += scores[choice][hull.getFirst()];
      for (int i = 1; i < hull.size(); i++) {
        steps.add(
            new double[] {
              costs[choice][hull.get(i)] - costs[choice][hull.get(i - 1)],
              scores[choice][hull.get(i - 1)] - scores[choice][hull.get(i)]
            });
      }
      steps.sort(Comparator.comparingDouble(step -> -step[1] / step[0]));
      rests[choice] = new Relaxation(cost, score, steps);
    }
  }

  /** The options on the lower convex hull of scores over costs, from the cheapest to the best. */
  private static List<Integer> hull(double[] cost, double[] score) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < cost.length; i++) {
      order.add(i);
    }
    order.sort(
        Comparator.comparingDouble((Integer i) -> cost[i]).thenComparingDouble(i -> score[i]));
    List<Integer> hull = new ArrayList<>();
    for (int next : order) {
      if (!hull.isEmpty() && score[next] >= score[hull.getLast()]) {
        continue;
      }
      while (hull.size() > 1) {
        int b = hull.getLast();
        int a = hull.get(hull.size() - 2);
        if ((score[a] - score[b]) * (cost[next] - cost[b])
            > (score[b] - score[next]) * (cost[b] - cost[a])) {
          break;
        }
        hull.removeLast();
      }
      hull.add(next);
    }
    return hull;
  }

  /**
   * {@return the options whose scores add up to the least within the budget, or null if even the
   * cheapest are beyond it}
   *
   * @param costs by choice and option
   * @param scores by choice and option, the smaller the better
   * @param budget the most that the costs may add up to
   */
  public static @Nullable Choice best(double[][] costs, double[][] scores, double budget) {
    return new ExactChoice(costs, scores).best(budget, MOST);
  }

  /** The same with so many partial sums kept at most. */
  static @Nullable Choice best(double[][] costs, double[][] scores, double budget, int most) {
    return new ExactChoice(costs, scores).best(budget, most);
  }

  private @Nullable Choice best(double budget, int most) {
    // What a sum of costs may be off by, in another order.
    double limit = budget + 1e-12 * Math.abs(budget);
    Choice rounded = rounded(limit);
    if (rounded == null) {
      return null;
    }
    double known = rounded.score + 1e-12 * (1 + Math.abs(rounded.score));
    double lost = Double.POSITIVE_INFINITY;
    List<State> states = List.of(new State(null, -1, 0, 0));
    for (int choice = 0; choice < costs.length; choice++) {
      states = extended(states, choice, limit, known);
      if (states.size() > most) {
        // Those whose completion promises least are given up; the best of them bounds the gap.
        Relaxation rest = rests[choice + 1];
        List<State> ordered = new ArrayList<>(states);
        ordered.sort(
            Comparator.comparingDouble(state -> state.score + rest.bound(limit - state.cost)));
        State first = ordered.get(most);
        lost = Math.min(lost, first.score + rest.bound(limit - first.cost));
        states = new ArrayList<>(ordered.subList(0, most));
        states.sort(Comparator.comparingDouble(State::cost));
      }
    }
    if (states.isEmpty() || states.getLast().score > rounded.score) {
      return new Choice(rounded.options, rounded.score, Math.min(rounded.score, lost));
    }
    int[] options = new int[costs.length];
    State state = states.getLast();
    double score = state.score;
    for (int choice = costs.length - 1; choice >= 0 && state != null; choice--) {
      options[choice] = state.option;
      state = state.before;
    }
    return new Choice(options, score, Math.min(score, lost));
  }

  /** Partial sums with one choice more, by cost, each of a smaller score than all before it. */
  private List<State> extended(List<State> states, int choice, double limit, double known) {
    Relaxation rest = rests[choice + 1];
    List<State> all = new ArrayList<>();
    for (State state : states) {
      for (int option = 0; option < costs[choice].length; option++) {
        double cost = state.cost + costs[choice][option];
        double score = state.score + scores[choice][option];
        if (score + rest.bound(limit - cost) <= known) {
          all.add(new State(state, option, cost, score));
        }
      }
    }
    all.sort(Comparator.comparingDouble(State::cost).thenComparingDouble(State::score));
    List<State> kept = new ArrayList<>();
    for (State state : all) {
      if (kept.isEmpty() || state.score < kept.getLast().score) {
        kept.add(state);
      }
    }
    return kept;
  }

  /** A solution, as a rule a little above the best: at each choice what promises most. */
  private @Nullable Choice rounded(double limit) {
    int[] options = new int[costs.length];
    double left = limit;
    double score = 0;
    for (int choice = 0; choice < costs.length; choice++) {
      int best = -1;
      double bestBound = Double.POSITIVE_INFINITY;
      for (int option = 0; option < costs[choice].length; option++) {
        double bound =
            scores[choice][option] + rests[choice + 1].bound(left - costs[choice][option]);
        if (bound < bestBound) {
          best = option;
          bestBound = bound;
        }
      }
      if (best < 0) {
        return null;
      }
      options[choice] = best;
      left -= costs[choice][best];
      score += scores[choice][best];
    }
    return new Choice(options, score, score);
  }
}
