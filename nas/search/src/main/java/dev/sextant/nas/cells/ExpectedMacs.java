package dev.sextant.nas.cells;

import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Cell.Edge;
import dev.sextant.runtime.Cell.Node;
import dev.sextant.runtime.Cell.Op;
import java.util.Collections;
import java.util.List;

/**
 * The expected multiply-adds, in millions, of a network whose normal cells are sampled as {@link
 * ExpectedLatency} samples them: the control of Latency-Aware DARTS (Table 4). A sum over edges, so
 * that value and gradient are exact. Immutable.
 */
public final class ExpectedMacs implements ArchitectureCost {
  /** Millions of multiply-adds of each op on an edge, over all normal cells of the network. */
  private final double[] ofOp;

  /** Those of the network besides the edges of its normal cells. */
  private final double constant;

  private ExpectedMacs(double[] ofOp, double constant) {
    this.ofOp = ofOp;
    this.constant = constant;
  }

  /** For the network for small images of that width and number of cells. */
  public static ExpectedMacs small(CellSpace space, Input input, int width, int cells) {
    double[] ofOp = new double[space.candidates().size()];
    // Poolings have no multiply-adds.
    double nothing = macs(space, new Op(Cell.Kind.MAX_POOL, 3), input, width, cells);
    int edges = CellSpace.KEPT * space.nodes();
    for (int op = 1; op < ofOp.length; op++) {
      double all = macs(space, space.candidates().get(op), input, width, cells);
      ofOp[op] = (all - nothing) / edges;
    }
    return new ExpectedMacs(ofOp, nothing);
  }

  /** Of a network with one op on all edges of its normal cells, in millions. */
  private static double macs(CellSpace space, Op op, Input input, int width, int cells) {
    Genotype genotype =
        new Genotype(everywhere(space, op), everywhere(space, new Op(Cell.Kind.MAX_POOL, 3)));
    return CellNetworks.small("macs", genotype, input, space.classes(), width, cells).macs() / 1e6;
  }

  private static List<Node> everywhere(CellSpace space, Op op) {
    Node node = new Node(List.of(new Edge(0, op), new Edge(1, op)));
    return Collections.nCopies(space.nodes(), node);
  }

  @Override
  public Estimate estimate(CellParameters parameters) {
    CellSpace space = parameters.space();
    CellParameters gradient = CellParameters.zeros(space);
    double value = constant;
    for (int node = 0; node < space.nodes(); node++) {
      int edges = node + Cell.INPUTS;
      double kept = (double) CellSpace.KEPT / edges;
      for (int from = 0; from < edges; from++) {
        int edge = CellSpace.firstEdge(node) + from;
        double[] weights = CellEncoding.withoutZero(parameters.opWeights(1, edge));
        double[] byOp = new double[weights.length];
        for (int op = 1; op < weights.length; op++) {
          byOp[op] = kept * ofOp[op];
          value += weights[op] * byOp[op];
        }
        ExpectedLatency.addGradient(parameters, edge, byOp, gradient);
      }
    }
    return new Estimate(value, gradient);
  }
}
