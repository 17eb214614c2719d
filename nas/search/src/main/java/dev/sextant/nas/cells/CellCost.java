package dev.sextant.nas.cells;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.layer.Cell;
import java.util.List;

/**
 * What networks of cells cost, by their decisions: for each edge of the normal cell, then of the
 * reduction cell, the index of its op, 0 where it is cut.
 */
public interface CellCost {
  /**
   * {@return the cost of each network}
   *
   * @param decisions one array for each network, an option of each decision in it
   */
  double[] of(List<int[]> decisions);

  /**
   * {@return latencies in ms, as a predictor has them; it stays the caller's}
   *
   * @param space that the cells are of
   * @param predictor of encoded cells, in ms
   * @param scale what predictions are multiplied by
   */
  static CellCost predicted(CellSpace space, LatencyPredictor predictor, double scale) {
    int types = CellEncoding.types(space, predictor.width());
    int ops = space.candidates().size();
    return decisions -> {
      float[] rows = new float[decisions.size() * predictor.width()];
      for (int i = 0; i < decisions.size(); i++) {
        int[] edges = decisions.get(i);
        for (int edge = 0; edge < types * space.edges(); edge++) {
          if (edges[edge] > 0) {
            rows[i * predictor.width() + edge * ops + edges[edge]] = 1;
          }
        }
      }
      double[] ms = predictor.predict(rows);
      for (int i = 0; i < ms.length; i++) {
        ms[i] *= scale;
      }
      return ms;
    };
  }

  /**
   * {@return counts that add up over edges}
   *
   * @param space that the cells are of
   * @param counts of each op on each edge
   */
  static CellCost counted(CellSpace space, CellCounts counts) {
    return decisions -> {
      double[] costs = new double[decisions.size()];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = count(space, counts, decisions.get(i));
      }
      return costs;
    };
  }

  private static double count(CellSpace space, CellCounts counts, int[] decisions) {
    long sum = counts.constant();
    for (int stride = 1; stride <= 2; stride++) {
      for (int node = 0; node < space.nodes(); node++) {
        for (int from = 0; from < node + Cell.INPUTS; from++) {
          int edge = (stride - 1) * space.edges() + CellSpace.firstEdge(node) + from;
          if (decisions[edge] > 0) {
            sum += counts.of(stride, from, decisions[edge]);
          }
        }
      }
    }
    return sum;
  }
}
