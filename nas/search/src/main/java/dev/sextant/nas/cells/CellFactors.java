package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Factors;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.Rng;
import java.util.Arrays;

/**
 * How networks of cells are drawn. The factors are those of {@link CellParameters#factors}: the ops
 * of each edge and, with edge normalisation, the edges of each node; options beyond the edges' have
 * no meaning.
 *
 * <p>Every edge takes an op by the softmax of its α, zero among them, given that of each node just
 * {@value CellSpace#KEPT} edges are not zero: a pair of edges is drawn in proportion to the product
 * of its odds, (1 - p_zero) / p_zero, times the weight of the edge where there is one, and each of
 * the two an op other than zero. So α of zero says how little an edge is wanted. With all
 * parameters alike this is the uniform draw of {@link CellEncoding#sample}.
 */
public final class CellFactors implements Factors {
  private final CellSpace space;

  /**
   * Of the normal and the reduction cells of a space.
   *
   * @param space whose edges are the factors
   */
  public CellFactors(CellSpace space) {
    this.space = space;
  }

  @Override
  public int[] counts() {
    int edges = 2 * space.edges();
    int[] counts = new int[edges + (space.edgeNormalized() ? 2 * space.nodes() : 0)];
    Arrays.fill(counts, 0, edges, space.candidates().size());
    for (int i = edges; i < counts.length; i++) {
      counts[i] = (i - edges) % space.nodes() + Cell.INPUTS;
    }
    return counts;
  }

  /** What is done for the edges of each node, normal cells first. */
  private interface NodeAction {
    /**
     * Does it.
     *
     * @param odds of each of the node's edges, from {@code first} on
     * @param beta the factor of the weights of its edges, or -1
     */
    void of(int first, double[] odds, int beta);
  }

  private void forEachNode(double[][] p, NodeAction action) {
    int edges = space.edges();
    for (int i = 0; i < 2 * space.nodes(); i++) {
      int node = i % space.nodes();
      int first = i / space.nodes() * edges + CellSpace.firstEdge(node);
      int beta = space.edgeNormalized() ? 2 * edges + i : -1;
      double[] odds = new double[node + Cell.INPUTS];
      for (int from = 0; from < odds.length; from++) {
        double[] ops = p[first + from];
        odds[from] = kept(ops) / Math.max(ops[0], Double.MIN_NORMAL);
        odds[from] *= beta < 0 ? 1 : p[beta][from];
      }
      action.of(first, odds, beta);
    }
  }

  /** The probability that an op drawn alone is not zero. */
  private static double kept(double[] ops) {
    double kept = 0;
    for (int op = 1; op < ops.length; op++) {
      kept += ops[op];
    }
    return kept;
  }

  /** The probabilities of pairs of edges, (0, 1), (0, 2), (1, 2), (0, 3) and so on. */
  private static double[] pairs(double[] odds) {
    double[] pairs = new double[odds.length * (odds.length - 1) / 2];
    double sum = 0;
    int pair = 0;
    for (int b = 1; b < odds.length; b++) {
      for (int a = 0; a < b; a++) {
        pairs[pair] = odds[a] * odds[b];
        sum += pairs[pair++];
      }
    }
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] /= sum;
    }
    return pairs;
  }

  @Override
  public void draw(double[][] p, Rng rng, int[] options) {
    Arrays.fill(options, 0);
    forEachNode(
        p,
        (first, odds, _) -> {
          int pair = rng.categorical(pairs(odds));
          int b = 1;
          while (pair >= b) {
            pair -= b++;
          }
          for (int edge : new int[] {first + pair, first + b}) {
            options[edge] = rng.categorical(CellEncoding.withoutZero(p[edge]));
          }
        });
  }

  /** An edge that is kept has the mean of all its ops but zero. */
  @Override
  public void warmUp(double warmupLeft, Rng rng, int[] options) {
    for (int edge = 0; edge < 2 * space.edges(); edge++) {
      if (options[edge] > 0 && rng.nextDouble() < warmupLeft) {
        options[edge] = ALL;
      }
    }
  }

  @Override
  public int[] decisions(int[] options) {
    return Arrays.copyOf(options, 2 * space.edges());
  }

  @Override
  public int[] options(int[] decisions) {
    return Arrays.copyOf(decisions, counts().length);
  }

  /**
   * ln P is the sum of the logits taken less the logarithm of a normaliser: its derivatives are
   * what was taken less the probability of taking it.
   */
  @Override
  public void addScore(double[][] p, int[] decisions, double weight, double[][] gradient) {
    forEachNode(
        p,
        (first, odds, beta) -> {
          double[] keeping = keeping(odds);
          for (int from = 0; from < odds.length; from++) {
            int edge = first + from;
            double[] ops = p[edge];
            double[] into = gradient[edge];
            double perOp = keeping[from] / kept(ops);
            into[decisions[edge]] += weight;
            into[0] -= weight * (1 - keeping[from]);
            for (int op = 1; op < ops.length; op++) {
              into[op] -= weight * perOp * ops[op];
            }
            if (beta >= 0) {
              gradient[beta][from] += weight * ((decisions[edge] > 0 ? 1 : 0) - keeping[from]);
            }
          }
        });
  }

  /** The probability of each of a node's edges to be one of the two. */
  private static double[] keeping(double[] odds) {
    double[] pairs = pairs(odds);
    double[] keeping = new double[odds.length];
    int pair = 0;
    for (int b = 1; b < odds.length; b++) {
      for (int a = 0; a < b; a++) {
        keeping[a] += pairs[pair];
        keeping[b] += pairs[pair++];
      }
    }
    return keeping;
  }

  @Override
  public double[][] probabilities(double[][] p) {
    return p;
  }

  /** Products over the kept edges of a network are in proportion to what it is drawn with. */
  @Override
  public double[][] preferences(double[][] p) {
    double[][] preferences = new double[2 * space.edges()][];
    forEachNode(
        p,
        (first, odds, _) -> {
          for (int from = 0; from < odds.length; from++) {
            double[] row = CellEncoding.withoutZero(p[first + from]);
            for (int op = 1; op < row.length; op++) {
              row[op] *= odds[from];
            }
            preferences[first + from] = row;
          }
        });
    return preferences;
  }
}
