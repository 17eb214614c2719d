package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.SextantException;
import java.math.BigInteger;
import java.util.List;

/**
 * A space of networks that repeat a normal and a reduction cell, and the supernet it is searched
 * with. Every node of a cell may be fed from every earlier one, {@link #KEPT} of these edges stay,
 * each with one op.
 *
 * <p>Immutable; the constructor throws {@link SextantException} for what does not fit together.
 *
 * @param input the images
 * @param classes width of the logits
 * @param nodes of a cell, inputs not counted
 * @param candidates the ops of an edge; the first is zero, the edge that is cut
 * @param width of the first cells of the supernet
 * @param cells of the supernet
 * @param partial which share of the channels goes through the ops: 1 for all (DARTS), 4 for a
 *     quarter (PC-DARTS)
 * @param edgeNormalized whether the edges of a node have weights of their own (PC-DARTS)
 */
public record CellSpace(
    Input input,
    int classes,
    int nodes,
    List<Op> candidates,
    int width,
    int cells,
    int partial,
    boolean edgeNormalized) {
  /** Edges that a node keeps. */
  public static final int KEPT = 2;

  /** The eight ops of DARTS in its order. */
  public static final List<Op> DARTS_OPS =
      List.of(
          new Op(Kind.ZERO, 0),
          new Op(Kind.MAX_POOL, 3),
          new Op(Kind.AVG_POOL, 3),
          new Op(Kind.IDENTITY, 0),
          new Op(Kind.SEPARABLE, 3),
          new Op(Kind.SEPARABLE, 5),
          new Op(Kind.DILATED, 3),
          new Op(Kind.DILATED, 5));

  /** Checks the numbers. */
  public CellSpace {
    candidates = List.copyOf(candidates);
    if (nodes < 1 || nodes > Cell.MAX_NODES || cells < 1 || classes < 1) {
      throw new SextantException(
          "cell space: %d nodes, %d cells or %d classes out of range"
              .formatted(nodes, cells, classes));
    }
    if (candidates.size() < 2
        || candidates.getFirst().kind() != Kind.ZERO
        || candidates.lastIndexOf(candidates.getFirst()) > 0) {
      throw new SextantException(
          "cell space: the first candidate, and no other, must be zero, and others must follow");
    }
    if (partial < 1 || width < 1 || width % (2 * partial) != 0) {
      throw new SextantException(
          "cell space: the width %d must be a multiple of 2 x %d".formatted(width, partial));
    }
  }

  /**
   * {@return {@code darts-cifar}: 8 cells of width 16}
   *
   * @param input size of the images
   * @param classes width of the logits
   */
  public static CellSpace darts(Input input, int classes) {
    return new CellSpace(input, classes, 4, DARTS_OPS, 16, 8, 1, false);
  }

  /**
   * {@return {@code pc-darts-cifar}: the same with a quarter of the channels and weights of edges}
   *
   * @param input size of the images
   * @param classes width of the logits
   */
  public static CellSpace pcDarts(Input input, int classes) {
    return new CellSpace(input, classes, 4, DARTS_OPS, 16, 8, 4, true);
  }

  /** {@return edges of a cell: node n, counted from 0 without the inputs, has n + 2} */
  public int edges() {
    return firstEdge(nodes);
  }

  /**
   * {@return the first edge into a node; its edges come from nodes 0, 1, 2 and so on}
   *
   * @param node counted from 0, the inputs left out
   */
  public static int firstEdge(int node) {
    return node * (node + 3) / 2;
  }

  /**
   * {@return different normal cells: a node keeps two of its edges, each with an op other than
   * zero}
   */
  public BigInteger size() {
    BigInteger size = BigInteger.ONE;
    int ops = candidates.size() - 1;
    for (int node = 0; node < nodes; node++) {
      int edges = node + Cell.INPUTS;
      size = size.multiply(BigInteger.valueOf((long) edges * (edges - 1) / 2 * ops * ops));
    }
    return size;
  }
}
