package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Finds cells by what they cost, with a cost that is no sum over edges: by moves that change the op
 * of one kept edge, or keep another edge of the node in its place.
 *
 * <p>Decisions are those of {@link CellCost}. Immutable.
 */
public final class GenotypeSearch {
  /** Least and most weight of a relative change of the cost against ln of a probability. */
  private static final double FIRST_TILT = 0.02;

  private static final double LAST_TILT = 1e5;
  private static final double TILT_STEP = Math.sqrt(2);

  /** Random cells tried at once, and how many such batches before others are walked to. */
  private static final int BATCH = 256;

  private static final int BATCHES = 40;

  /** The most probable cells depend on no generator of the run. */
  private static final long RANDOM_SEED = 0;

  private final CellSpace space;
  private final CellCost cost;

  /**
   * Over cells of a space with that cost.
   *
   * @param space the cells to search
   * @param cost what networks of these cells cost
   */
  public GenotypeSearch(CellSpace space, CellCost cost) {
    this.space = space;
    this.cost = cost;
  }

  /**
   * {@return the cost of one network}
   *
   * @param decisions an option of each decision, in the order of the space
   */
  public double cost(int[] decisions) {
    return cost.of(List.of(decisions))[0];
  }

  // ---- the most probable

  /**
   * {@return the decisions that {@link GenotypeRule} takes, whatever they cost: of each node the
   * two edges whose strongest op other than zero weighs most}
   *
   * @param weights of each edge's ops, those of an edge times the edge's own
   */
  public int[] mostProbable(double[][] weights) {
    int[] decisions = new int[weights.length];
    for (int first : nodes()) {
      int edges = edges(first);
      int best = first;
      int second = -1;
      for (int edge = first; edge < first + edges; edge++) {
        decisions[edge] = strongest(weights[edge]);
        if (edge > first && lambda(weights, decisions, edge) > lambda(weights, decisions, best)) {
          second = best;
          best = edge;
        } else if (edge > first
            && (second < 0
                || lambda(weights, decisions, edge) > lambda(weights, decisions, second))) {
          second = edge;
        }
      }
      for (int edge = first; edge < first + edges; edge++) {
        if (edge != best && edge != second) {
          decisions[edge] = 0;
        }
      }
    }
    return decisions;
  }

  private static double lambda(double[][] weights, int[] decisions, int edge) {
    return weights[edge][decisions[edge]];
  }

  private static int strongest(double[] weights) {
    int best = 1;
    for (int op = 2; op < weights.length; op++) {
      if (weights[op] > weights[best]) {
        best = op;
      }
    }
    return best;
  }

  /** ln of the product of the kept edges' weights: what the rule maximises. */
  private static double score(double[][] weights, int[] decisions) {
    double sum = 0;
    for (int edge = 0; edge < decisions.length; edge++) {
      if (decisions[edge] > 0) {
        sum += Math.log(Math.max(weights[edge][decisions[edge]], 1e-300));
      }
    }
    return sum;
  }

  /** The best of the networks seen whose cost is in a window. */
  private static final class Best {
    private final double low;
    private final double high;
    private double score = Double.NEGATIVE_INFINITY;
    private int @Nullable [] decisions;

    Best(double low, double high) {
      this.low = low;
      this.high = high;
    }

    void see(int[] seen, double cost, double seenScore) {
      if (cost >= low && cost <= high && seenScore > score) {
        score = seenScore;
        decisions = seen;
      }
    }
  }

  /**
   * {@return the most probable network found whose cost is in the window, or null where none was}
   * From the most probable of all, the cost weighs more and more against the probability until the
   * window is crossed; every network that is one move from this path counts, or random ones where
   * none of these is in the window, and the best of them is improved by moves within the window.
   *
   * @param weights as {@link #mostProbable(double[][])} takes them
   * @param low least cost allowed, in the unit of the cost
   * @param high greatest cost allowed, in the unit of the cost
   */
  public int @Nullable [] mostProbable(double[][] weights, double low, double high) {
    int[] current = mostProbable(weights);
    double at = cost(current);
    if (at >= low && at <= high) {
      return current;
    }
    Best best = new Best(low, high);
    double sign = at > high ? 1 : -1;
    double unit = Math.max(at, Double.MIN_NORMAL);
    for (double tilt = FIRST_TILT; tilt < LAST_TILT; tilt *= TILT_STEP) {
      double perCost = sign * tilt / unit;
      current = climb(current, weights, perCost, best);
      at = cost(current);
      if (sign > 0 ? at <= high : at >= low) {
        break;
      }
    }
    if (best.decisions == null) {
      seeRandom(weights, best);
    }
    return best.decisions == null ? null : improved(best.decisions, weights, low, high);
  }

  /** Where costs are so coarse that moves pass the window by, random cells may be in it. */
  private void seeRandom(double[][] weights, Best best) {
    CellParameters uniform = CellParameters.zeros(space);
    Rng rng = new Rng(RANDOM_SEED);
    for (int batch = 0; batch < BATCHES; batch++) {
      List<int[]> drawn = random(uniform, rng, BATCH);
      double[] costs = cost.of(drawn);
      for (int i = 0; i < costs.length; i++) {
        best.see(drawn.get(i), costs[i], score(weights, drawn.get(i)));
      }
    }
  }

  /** Makes the best move until none helps; what is seen on the way is shown to {@code best}. */
  private int[] climb(int[] start, double[][] weights, double perCost, Best best) {
    int[] current = start;
    double value = Double.NEGATIVE_INFINITY;
    while (true) {
      List<int[]> near = neighbours(current);
      near.add(current);
      double[] costs = cost.of(near);
      int chosen = -1;
      for (int i = 0; i < costs.length; i++) {
        double score = score(weights, near.get(i));
        best.see(near.get(i), costs[i], score);
        double tilted = score - perCost * costs[i];
        if (tilted > value + 1e-12) {
          value = tilted;
          chosen = i;
        }
      }
      if (chosen < 0 || near.get(chosen) == current) {
        return current;
      }
      current = near.get(chosen);
    }
  }

  private int[] improved(int[] start, double[][] weights, double low, double high) {
    int[] current = start;
    while (true) {
      Best best = new Best(low, high);
      best.see(current, low, score(weights, current));
      List<int[]> near = neighbours(current);
      double[] costs = cost.of(near);
      for (int i = 0; i < costs.length; i++) {
        best.see(near.get(i), costs[i], score(weights, near.get(i)));
      }
      if (best.decisions == null || best.decisions == current) {
        return current;
      }
      current = best.decisions;
    }
  }

  // ---- extremes

  /** {@return the least cost found} */
  public double minimum() {
    return extreme(c -> c);
  }

  /** {@return the greatest cost found} */
  public double maximum() {
    return -extreme(c -> -c);
  }

  private double extreme(DoubleUnaryOperator signed) {
    double least = Double.POSITIVE_INFINITY;
    for (int op = 1; op < space.candidates().size(); op++) {
      double[][] weights = new double[2 * space.edges()][space.candidates().size()];
      for (double[] row : weights) {
        row[op] = 1;
      }
      int[] current = mostProbable(weights);
      double value = signed.applyAsDouble(cost(current));
      while (true) {
        List<int[]> near = neighbours(current);
        double[] costs = cost.of(near);
        int chosen = -1;
        for (int i = 0; i < costs.length; i++) {
          if (signed.applyAsDouble(costs[i]) < value) {
            value = signed.applyAsDouble(costs[i]);
            chosen = i;
          }
        }
        if (chosen < 0) {
          break;
        }
        current = near.get(chosen);
      }
      least = Math.min(least, value);
    }
    return least;
  }

  // ---- random networks

  /**
   * {@return a network drawn uniformly among those whose cost is in the window} Where none of
   * {@value #BATCHES} batches falls in the window, the one nearest to it walks there by random
   * moves that bring it nearer; the nearest one is what remains where the window is empty.
   *
   * @param low least cost allowed, in the unit of the cost
   * @param high greatest cost allowed, in the unit of the cost
   * @param rng where networks are drawn from
   */
  public int[] sample(double low, double high, Rng rng) {
    int[] nearest = {};
    double distance = Double.POSITIVE_INFINITY;
    CellParameters uniform = CellParameters.zeros(space);
    for (int batch = 0; batch < BATCHES; batch++) {
      List<int[]> drawn = random(uniform, rng, BATCH);
      double[] costs = cost.of(drawn);
      for (int i = 0; i < costs.length; i++) {
        double away = Math.max(low - costs[i], costs[i] - high);
        if (away <= 0) {
          return drawn.get(i);
        }
        if (away < distance) {
          distance = away;
          nearest = drawn.get(i);
        }
      }
    }
    while (true) {
      List<int[]> near = neighbours(nearest);
      double[] costs = cost.of(near);
      List<Integer> nearer = new ArrayList<>();
      for (int i = 0; i < costs.length; i++) {
        if (Math.max(low - costs[i], costs[i] - high) < distance) {
          nearer.add(i);
        }
      }
      if (nearer.isEmpty()) {
        return nearest;
      }
      int chosen = nearer.get(rng.nextInt(nearer.size()));
      nearest = near.get(chosen);
      distance = Math.max(low - costs[chosen], costs[chosen] - high);
      if (distance <= 0) {
        return nearest;
      }
    }
  }

  private List<int[]> random(CellParameters uniform, Rng rng, int count) {
    List<int[]> drawn = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      drawn.add(random(uniform, rng));
    }
    return drawn;
  }

  private int[] random(CellParameters uniform, Rng rng) {
    int[] decisions = new int[2 * space.edges()];
    for (int stride = 1; stride <= 2; stride++) {
      List<Cell.Node> nodes = CellEncoding.sample(uniform, stride, rng);
      for (int node = 0; node < nodes.size(); node++) {
        int first = (stride - 1) * space.edges() + CellSpace.firstEdge(node);
        for (Cell.Edge edge : nodes.get(node).edges()) {
          decisions[first + edge.from()] = space.candidates().indexOf(edge.op());
        }
      }
    }
    return decisions;
  }

  // ---- moves

  /** The first edge of each node of both cells. */
  private List<Integer> nodes() {
    List<Integer> firsts = new ArrayList<>();
    for (int type = 0; type < 2; type++) {
      for (int node = 0; node < space.nodes(); node++) {
        firsts.add(type * space.edges() + CellSpace.firstEdge(node));
      }
    }
    return firsts;
  }

  /** The number of edges of the node whose first edge is that. */
  private int edges(int first) {
    int within = first % space.edges();
    int node = 0;
    while (CellSpace.firstEdge(node) != within) {
      node++;
    }
    return node + Cell.INPUTS;
  }

  /** All networks that one move makes of this one. */
  private List<int[]> neighbours(int[] decisions) {
    List<int[]> near = new ArrayList<>();
    for (int first : nodes()) {
      int end = first + edges(first);
      for (int kept = first; kept < end; kept++) {
        if (decisions[kept] > 0) {
          for (int edge = first; edge < end; edge++) {
            addMoves(decisions, kept, edge, near);
          }
        }
      }
    }
    return near;
  }

  /**
   * Keeps {@code edge} in the place of {@code kept}, with every op; an edge kept already is not.
   */
  private void addMoves(int[] decisions, int kept, int edge, List<int[]> near) {
    if (edge != kept && decisions[edge] > 0) {
      return;
    }
    for (int op = 1; op < space.candidates().size(); op++) {
      if (edge != kept || op != decisions[kept]) {
        int[] moved = decisions.clone();
        moved[kept] = 0;
        moved[edge] = op;
        near.add(moved);
      }
    }
  }
}
