package dev.sextant.nas.cells;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;

/**
 * A cell as bits for the latency predictor (section 3.2): one for each op of each edge, 14 x 8 in
 * the DARTS space, set where the cell has that op on that edge. The paper encodes the normal cell;
 * where the reduction cell counts too, its bits follow.
 */
public final class CellEncoding {
  private CellEncoding() {}

  /**
   * {@return bits of a cell}
   *
   * @param space that the cell is of
   */
  public static int width(CellSpace space) {
    return space.edges() * space.candidates().size();
  }

  /**
   * {@return the bit of an op on an edge}
   *
   * @param space that the cell is of
   * @param edge counted from 0
   * @param op index among the space's ops
   */
  public static int bit(CellSpace space, int edge, int op) {
    return edge * space.candidates().size() + op;
  }

  /**
   * {@return the bits of a cell}
   *
   * @param space that the cell is of
   * @param nodes of the cell, in order
   * @throws SextantException if it is none of the space
   */
  public static float[] encode(CellSpace space, List<Node> nodes) {
    if (nodes.size() != space.nodes()) {
      throw new SextantException(
          "cell: %d nodes, the space has %d".formatted(nodes.size(), space.nodes()));
    }
    float[] bits = new float[width(space)];
    for (int node = 0; node < nodes.size(); node++) {
      for (Edge edge : nodes.get(node).edges()) {
        int op = space.candidates().indexOf(edge.op());
        if (op < 0) {
          throw new SextantException("cell: the space has no " + edge.op().label());
        }
        bits[bit(space, CellSpace.firstEdge(node) + edge.from(), op)] = 1;
      }
    }
    return bits;
  }

  /**
   * {@return the bits of the normal cell and, for two types, those of the reduction cell behind
   * them}
   *
   * @param space that the cell is of
   * @param genotype the normal and the reduction cell
   * @param types 1 for the normal cell alone, 2 for both
   */
  public static float[] encode(CellSpace space, Genotype genotype, int types) {
    int width = width(space);
    float[] bits = new float[types * width];
    for (int stride = 1; stride <= types; stride++) {
      float[] cell = encode(space, genotype.nodes(stride));
      System.arraycopy(cell, 0, bits, (stride - 1) * width, width);
    }
    return bits;
  }

  /**
   * {@return how many types of cells a predictor of that many features reads}
   *
   * @param space that the cell is of
   * @param features how many numbers describe a network
   * @throws SextantException if it is made for other cells
   */
  public static int types(CellSpace space, int features) {
    int width = width(space);
    if (features != width && features != 2 * width) {
      throw new SextantException(
          "a predictor of %d features is made for other cells: these have %d, or %d of both types"
              .formatted(features, width, 2 * width));
    }
    return features / width;
  }

  /**
   * {@return a random sub-network: for each node two of its edges, any pair as likely as another,
   * and for each of them an op other than zero}
   *
   * @param parameters whose op weights, zero left out, are the ops' probabilities; all 0 for a
   *     uniform choice
   * @param stride 1 for the normal cell, 2 for the reduction cell
   * @param rng where the cell is drawn from
   */
  public static List<Node> sample(CellParameters parameters, int stride, Rng rng) {
    CellSpace space = parameters.space();
    List<Node> nodes = new ArrayList<>();
    for (int node = 0; node < space.nodes(); node++) {
      int edges = node + Cell.INPUTS;
      int first = rng.nextInt(edges);
      int second = rng.nextInt(edges - 1);
      second += second >= first ? 1 : 0;
      nodes.add(
          new Node(
              List.of(
                  edge(parameters, stride, node, Math.min(first, second), rng),
                  edge(parameters, stride, node, Math.max(first, second), rng))));
    }
    return nodes;
  }

  private static Edge edge(CellParameters parameters, int stride, int node, int from, Rng rng) {
    double[] weights = withoutZero(parameters.opWeights(stride, CellSpace.firstEdge(node) + from));
    return new Edge(from, parameters.space().candidates().get(rng.categorical(weights)));
  }

  /** The weights of an edge's ops given that it is not cut. */
  static double[] withoutZero(double[] weights) {
    double[] given = weights.clone();
    given[0] = 0;
    double sum = 0;
    for (double weight : given) {
      sum += weight;
    }
    for (int op = 0; op < given.length; op++) {
      given[op] /= sum;
    }
    return given;
  }
}
