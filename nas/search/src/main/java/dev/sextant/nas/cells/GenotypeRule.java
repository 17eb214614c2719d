package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Node;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which cells the parameters stand for (DARTS, section 2.4): each node keeps the two edges whose
 * strongest op other than zero weighs most, each with that op; with edge normalisation an op's
 * weight is multiplied by that of its edge (PC-DARTS).
 */
public final class GenotypeRule {
  private GenotypeRule() {}

  /** The strongest op of an edge. */
  private record Strongest(Edge edge, double weight) {}

  /**
   * {@return the genotype; of equal weights the earlier edge and op win}
   *
   * @param parameters of the architecture
   */
  public static Genotype derive(CellParameters parameters) {
    return new Genotype(nodes(parameters, 1), nodes(parameters, 2));
  }

  private static List<Node> nodes(CellParameters parameters, int stride) {
    CellSpace space = parameters.space();
    List<Node> nodes = new ArrayList<>();
    for (int node = 0; node < space.nodes(); node++) {
      double[] edgeWeights = parameters.edgeWeights(stride, node);
      List<Strongest> edges = new ArrayList<>();
      for (int from = 0; from < node + Cell.INPUTS; from++) {
        double[] weights = parameters.opWeights(stride, CellSpace.firstEdge(node) + from);
        int best = 1;
        for (int op = 2; op < weights.length; op++) {
          if (weights[op] > weights[best]) {
            best = op;
          }
        }
        Edge edge = new Edge(from, space.candidates().get(best));
        edges.add(new Strongest(edge, weights[best] * edgeWeights[from]));
      }
      edges.sort(Comparator.comparingDouble(Strongest::weight).reversed());
      nodes.add(new Node(edges.subList(0, CellSpace.KEPT).stream().map(Strongest::edge).toList()));
    }
    return nodes;
  }
}
