package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.SextantException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * The networks that repeat the two cells of a {@link CellSpace}, at the size they are trained and
 * used with.
 *
 * <p>There is a decision for each edge of the normal cell, then one for each of the reduction cell:
 * the index of its op among the candidates, 0 where the edge is cut. Each node keeps {@value
 * dev.sextant.nas.space.CellSpace#KEPT} edges. Immutable; the constructor throws {@link
 * SextantException} for what does not fit together.
 *
 * @param name what reports call it
 * @param cells the cells, and the supernet they are searched with
 * @param width of the first cells of a network
 * @param depth cells of a network
 */
public record CellNetworkSpace(String name, CellSpace cells, int width, int depth)
    implements SearchSpace {
  static final List<String> NAMES =
      List.of("darts-cifar", "pc-darts-cifar", "darts-small", "pc-darts-small");

  /** What two reduction cells divide heights and widths by. */
  private static final int HALVED = 4;

  /** With fewer there is no cell of each type. */
  static final int MIN_DEPTH = 3;

  /** Checks that every op fits into the networks. */
  public CellNetworkSpace {
    if (depth < MIN_DEPTH || cells.cells() < MIN_DEPTH) {
      throw new SextantException(
          String.format(
                  Locale.ROOT,
                  "%s: networks of %d cells and a supernet of %d: both need %d for a normal and"
                      + " two",
                  name,
                  depth,
                  cells.cells(),
                  MIN_DEPTH)
              + " reduction cells");
    }
    Input image = cells.input();
    if (image.height() % HALVED != 0 || image.width() % HALVED != 0) {
      throw new SextantException(
          String.format(
                  Locale.ROOT,
                  "%s: images of %dx%d: reduction cells halve height and width twice, which must"
                      + " be",
                  name,
                  image.height(),
                  image.width())
              + String.format(Locale.ROOT, " multiples of %d", HALVED));
    }
    for (Op op : cells.candidates()) {
      if (op.kind() != Kind.ZERO) {
        Node node = new Node(List.of(new Edge(0, op), new Edge(1, op)));
        List<Node> everywhere = Collections.nCopies(cells.nodes(), node);
        network(name, cells, width, depth, new Genotype(everywhere, everywhere));
      }
    }
  }

  private static Architecture network(
      String name, CellSpace cells, int width, int depth, Genotype genotype) {
    return CellNetworks.small(name, genotype, cells.input(), cells.classes(), width, depth);
  }

  @Override
  public Input input() {
    return cells.input();
  }

  @Override
  public int classes() {
    return cells.classes();
  }

  @Override
  public boolean detects() {
    return false;
  }

  @Override
  public int[] options() {
    int[] options = new int[2 * cells.edges()];
    Arrays.fill(options, cells.candidates().size());
    return options;
  }

  /** Those of the ops of every edge; then, where edges are weighed, those of each node's edges. */
  @Override
  public int[] probabilityRows() {
    int[] options = options();
    if (!cells.edgeNormalized()) {
      return options;
    }
    int[] rows = Arrays.copyOf(options, options.length + 2 * cells.nodes());
    for (int i = 0; i < 2 * cells.nodes(); i++) {
      rows[options.length + i] = i % cells.nodes() + Cell.INPUTS;
    }
    return rows;
  }

  /** The stem, the cells, the pooling and the classifier. */
  @Override
  public int layers() {
    return depth + 3;
  }

  @Override
  public BigInteger size() {
    return cells.size().pow(2);
  }

  @Override
  public Architecture derive(int[] decisions) {
    return network(genotype(decisions));
  }

  /**
   * {@return the network of these cells}
   *
   * @param genotype the normal and the reduction cell
   */
  public Architecture network(Genotype genotype) {
    return network(name, cells, width, depth, genotype);
  }

  /**
   * {@return the cells of these decisions}
   *
   * @param decisions an option of each decision, in the order of the space
   * @throws SextantException if they are none of the space
   */
  public Genotype genotype(int[] decisions) {
    if (decisions.length != 2 * cells.edges()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d decisions for %d edges",
              name,
              decisions.length,
              2 * cells.edges()));
    }
    return new Genotype(nodes(decisions, 0), nodes(decisions, cells.edges()));
  }

  private List<Node> nodes(int[] decisions, int offset) {
    List<Node> nodes = new ArrayList<>();
    for (int node = 0; node < cells.nodes(); node++) {
      List<Edge> edges = new ArrayList<>();
      for (int from = 0; from < node + Cell.INPUTS; from++) {
        int edge = offset + CellSpace.firstEdge(node) + from;
        int op = decisions[edge];
        if (op < 0 || op >= cells.candidates().size()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: decision %d is %d, the edge has %d candidates",
                  name,
                  edge,
                  op,
                  cells.candidates().size()));
        }
        if (op > 0) {
          edges.add(new Edge(from, cells.candidates().get(op)));
        }
      }
      if (edges.size() != CellSpace.KEPT) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: %d edges into node %d where %d are kept",
                name,
                edges.size(),
                node + Cell.INPUTS,
                CellSpace.KEPT));
      }
      nodes.add(new Node(edges));
    }
    return nodes;
  }

  @Override
  public CellNetworkSpace withInput(Input input, int classes) {
    CellSpace changed =
        new CellSpace(
            input,
            classes,
            cells.nodes(),
            cells.candidates(),
            cells.width(),
            cells.cells(),
            cells.partial(),
            cells.edgeNormalized());
    return new CellNetworkSpace(name, changed, width, depth);
  }

  /**
   * {@return the same cells in networks of another size}
   *
   * @param width channels of the first cells
   * @param depth cells of a network
   */
  public CellNetworkSpace withNetwork(int width, int depth) {
    return new CellNetworkSpace(name, cells, width, depth);
  }

  @Override
  public String toJson() {
    return CellSpaceJson.write(this);
  }
}
