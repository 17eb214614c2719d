package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * A count that adds up over the edges of a network's cells, such as multiply-adds: the network's
 * own part, and that of each op on an edge in all cells of a type together. Exact. Immutable.
 */
public final class CellCounts {
  private final CellSpace space;
  private final long constant;

  /** By type of cell, by whether the edge comes from an input of the cell, and by op. */
  private final long[][][] ofOp;

  /**
   * Counts of networks of that size.
   *
   * @param space that the cells are of
   * @param width channels of the first cells
   * @param cells cells of a network
   * @param count of a whole network
   */
  public CellCounts(CellSpace space, int width, int cells, ToLongFunction<Architecture> count) {
    this.space = space;
    List<Node> pooled = CellLatencies.pooled(space);
    constant = count.applyAsLong(network(pooled, pooled, width, cells));
    ofOp = new long[2][2][space.candidates().size()];
    int last = space.nodes() - 1;
    for (int inner = 0; inner < Math.min(2, space.nodes()); inner++) {
      int from = inner == 0 ? 0 : Cell.INPUTS;
      for (int op = 1; op < space.candidates().size(); op++) {
        List<Node> changed = new ArrayList<>(pooled);
        Edge edge = new Edge(from, space.candidates().get(op));
        changed.set(last, new Node(List.of(new Edge(1, new Op(Kind.MAX_POOL, 3)), edge)));
        ofOp[0][inner][op] = count.applyAsLong(network(changed, pooled, width, cells)) - constant;
        ofOp[1][inner][op] = count.applyAsLong(network(pooled, changed, width, cells)) - constant;
      }
    }
  }

  private Architecture network(List<Node> normal, List<Node> reduction, int width, int cells) {
    Genotype genotype = new Genotype(normal, reduction);
    return CellNetworks.small("count", genotype, space.input(), space.classes(), width, cells);
  }

  /** {@return the part of a network that no decision changes} */
  public long constant() {
    return constant;
  }

  /**
   * {@return what an op on an edge from that node adds, in all cells of that stride}
   *
   * @param stride 1 for normal cells, 2 for reduction cells
   * @param from node that the edge begins at, the inputs being 0 and 1
   * @param op index among the space's ops
   */
  public long of(int stride, int from, int op) {
    return ofOp[stride - 1][from < Cell.INPUTS ? 0 : 1][op];
  }

  /** {@return the least that a network has} */
  public long minimum() {
    return extreme(1);
  }

  /** {@return the most that a network has} */
  public long maximum() {
    return extreme(-1);
  }

  /** The least for a sign of 1, the most for -1. */
  private long extreme(int sign) {
    long sum = constant;
    for (int stride = 1; stride <= 2; stride++) {
      for (int node = 0; node < space.nodes(); node++) {
        long[] edges = new long[node + Cell.INPUTS];
        for (int from = 0; from < edges.length; from++) {
          edges[from] = Long.MAX_VALUE;
          for (int op = 1; op < space.candidates().size(); op++) {
            edges[from] = Math.min(edges[from], sign * of(stride, from, op));
          }
        }
        Arrays.sort(edges);
        for (int kept = 0; kept < CellSpace.KEPT; kept++) {
          sum += sign * edges[kept];
        }
      }
    }
    return sum;
  }
}
