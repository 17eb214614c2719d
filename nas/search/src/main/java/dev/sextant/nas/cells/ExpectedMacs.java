package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;

/**
 * The expected multiply-adds, in millions, of a network whose cells are sampled as {@link
 * ExpectedLatency} samples them: the control of Latency-Aware DARTS (Table 4). A sum over edges, so
 * that value and gradient are exact. Immutable.
 */
public final class ExpectedMacs implements ArchitectureCost {
  /** What its costs count in. */
  public static final double UNIT = 1e6;

  private final CellCounts macs;

  private ExpectedMacs(CellCounts macs) {
    this.macs = macs;
  }

  /**
   * {@return the counts of the network for small images of that width and number of cells}
   *
   * @param space that the cells are of
   * @param width channels of the first cells
   * @param cells cells of the network
   */
  public static ExpectedMacs small(CellSpace space, int width, int cells) {
    return new ExpectedMacs(new CellCounts(space, width, cells, Architecture::macs));
  }

  @Override
  public Estimate estimate(CellParameters parameters) {
    CellSpace space = parameters.space();
    CellParameters gradient = CellParameters.zeros(space);
    double value = macs.constant() / UNIT;
    for (int stride = 1; stride <= 2; stride++) {
      for (int node = 0; node < space.nodes(); node++) {
        int edges = node + Cell.INPUTS;
        double kept = (double) CellSpace.KEPT / edges;
        for (int from = 0; from < edges; from++) {
          int edge = CellSpace.firstEdge(node) + from;
          double[] weights = CellEncoding.withoutZero(parameters.opWeights(stride, edge));
          double[] byOp = new double[weights.length];
          for (int op = 1; op < weights.length; op++) {
            byOp[op] = kept * macs.of(stride, from, op) / UNIT;
            value += weights[op] * byOp[op];
          }
          ExpectedLatency.addGradient(parameters, stride, edge, byOp, gradient);
        }
      }
    }
    return new Estimate(value, gradient);
  }
}
