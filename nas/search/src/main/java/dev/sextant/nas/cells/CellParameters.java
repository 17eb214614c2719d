package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The architecture parameters of a cell space: α for the ops of each edge of the normal and of the
 * reduction cell, and with edge normalisation β for each edge. All cells of a type share them.
 */
public final class CellParameters {
  private final CellSpace space;
  private final CellType normal;
  private final CellType reduction;

  /**
   * Those of one type of cell.
   *
   * @param alphas {@code [edges][candidates]}
   * @param betas {@code [edges]}, or null without edge normalisation
   */
  public record CellType(double[][] alphas, double @Nullable [] betas) {
    private static CellType zeros(CellSpace space) {
      return new CellType(
          new double[space.edges()][space.candidates().size()],
          space.edgeNormalized() ? new double[space.edges()] : null);
    }

    /** The parameters as one row: α edge by edge, then β. */
    private List<double[]> rows() {
      List<double[]> rows = new ArrayList<>(List.of(alphas));
      if (betas != null) {
        rows.add(betas);
      }
      return rows;
    }
  }

  private CellParameters(CellSpace space, CellType normal, CellType reduction) {
    this.space = space;
    this.normal = normal;
    this.reduction = reduction;
  }

  /**
   * {@return parameters that are all 0: also what gradients start from}
   *
   * @param space the cells whose edges they weigh
   */
  public static CellParameters zeros(CellSpace space) {
    return new CellParameters(space, CellType.zeros(space), CellType.zeros(space));
  }

  /** {@return the space} */
  public CellSpace space() {
    return space;
  }

  /**
   * {@return the parameters of the cells of that stride}
   *
   * @param stride 1 for normal cells, 2 for reduction cells
   */
  public CellType type(int stride) {
    return stride == 1 ? normal : reduction;
  }

  /** {@return all parameters in one row: normal cells, then reduction cells} */
  public double[] values() {
    List<double[]> rows = rows();
    double[] values = new double[rows.stream().mapToInt(row -> row.length).sum()];
    int at = 0;
    for (double[] row : rows) {
      System.arraycopy(row, 0, values, at, row.length);
      at += row.length;
    }
    return values;
  }

  /**
   * Overwrites all of them, as {@link #values} has them.
   *
   * @param values normal cells, then reduction cells
   */
  public void set(double[] values) {
    int at = 0;
    for (double[] row : rows()) {
      System.arraycopy(values, at, row, 0, row.length);
      at += row.length;
    }
    if (at != values.length) {
      throw new IllegalArgumentException(values.length + " values for " + at + " parameters");
    }
  }

  /**
   * Copies of the parameters by factor: those of the ops of each edge, of the normal and then of
   * the reduction cell, and with edge normalisation those of the edges of each node.
   *
   * @return one array for each factor
   */
  public double[][] factors() {
    List<double[]> factors = new ArrayList<>();
    forEachFactor((row, from, to) -> factors.add(Arrays.copyOfRange(row, from, to)));
    return factors.toArray(double[][]::new);
  }

  /**
   * Overwrites the parameters, as {@link #factors} has them.
   *
   * @param values one array for each factor
   */
  public void setFactors(List<float[]> values) {
    Iterator<float[]> next = values.iterator();
    forEachFactor(
        (row, from, to) -> {
          float[] factor = next.next();
          for (int i = from; i < to; i++) {
            row[i] = factor[i - from];
          }
        });
  }

  /** A part of a row. */
  private interface FactorAction {
    void of(double[] row, int from, int to);
  }

  private void forEachFactor(FactorAction action) {
    List<CellType> types = List.of(normal, reduction);
    for (CellType type : types) {
      for (double[] alphas : type.alphas) {
        action.of(alphas, 0, alphas.length);
      }
    }
    for (CellType type : types) {
      for (int node = 0; type.betas != null && node < space.nodes(); node++) {
        action.of(type.betas, CellSpace.firstEdge(node), CellSpace.firstEdge(node + 1));
      }
    }
  }

  private List<double[]> rows() {
    List<double[]> rows = new ArrayList<>(normal.rows());
    rows.addAll(reduction.rows());
    return rows;
  }

  /**
   * {@return the weights of the ops of an edge: the softmax of its α}
   *
   * @param stride 1 for normal cells, 2 for reduction cells
   * @param edge counted from 0 within a cell
   */
  public double[] opWeights(int stride, int edge) {
    return softmax(type(stride).alphas[edge], 0, space.candidates().size());
  }

  /**
   * {@return the weights of the edges into a node: the softmax of their β, or 1 each without edge
   * normalisation}
   *
   * @param stride 1 for normal cells, 2 for reduction cells
   * @param node counted from 0, the inputs left out
   */
  public double[] edgeWeights(int stride, int node) {
    int first = CellSpace.firstEdge(node);
    int end = CellSpace.firstEdge(node + 1);
    double[] betas = type(stride).betas;
    if (betas == null) {
      double[] ones = new double[end - first];
      Arrays.fill(ones, 1);
      return ones;
    }
    return softmax(betas, first, end);
  }

  private static double[] softmax(double[] logits, int from, int to) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = from; i < to; i++) {
      max = Math.max(max, logits[i]);
    }
    double[] weights = new double[to - from];
    double sum = 0;
    for (int i = from; i < to; i++) {
      weights[i - from] = Math.exp(logits[i] - max);
      sum += weights[i - from];
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] /= sum;
    }
    return weights;
  }

  /** Adds to α's gradients, kept in {@code this}, what gradients by an edge's op weights make. */
  void addOpGradient(CellParameters at, int stride, int edge, double[] byWeight) {
    addThroughSoftmax(at.opWeights(stride, edge), byWeight, type(stride).alphas[edge], 0);
  }

  /** The same for β and the weights of the edges into a node. */
  void addEdgeGradient(CellParameters at, int stride, int node, double[] byWeight) {
    double[] betas = type(stride).betas;
    if (betas != null) {
      addThroughSoftmax(at.edgeWeights(stride, node), byWeight, betas, CellSpace.firstEdge(node));
    }
  }

  /** Softmax: dz_i = w_i (g_i - sum_j w_j g_j). */
  private static void addThroughSoftmax(
      double[] weights, double[] byWeight, double[] into, int first) {
    double mean = 0;
    for (int i = 0; i < weights.length; i++) {
      mean += weights[i] * byWeight[i];
    }
    for (int i = 0; i < weights.length; i++) {
      into[first + i] += weights[i] * (byWeight[i] - mean);
    }
  }
}
