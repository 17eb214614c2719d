package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A cell of DARTS (Liu et al., 2019): a small graph of nodes that all have one width. Node 0 is the
 * older input (the output of the layer before the previous one), node 1 the newer (that of the
 * previous layer), each through ReLU, a pointwise convolution and batch norm, so that both get the
 * cell's width; where the older image is twice as high and wide, two pointwise convolutions of
 * stride 2, one on the even and one on the odd pixels, take its place ("factorized reduction").
 * Each further node is the sum of its edges, and the output is these nodes side by side.
 *
 * <p>With stride 2, the edges from nodes 0 and 1 have stride 2. Immutable; the constructor throws
 * {@link SextantException} for what does not fit together.
 *
 * @param nodes the nodes from 2 on
 * @param width channels of each node
 * @param stride 1, or 2 for a reduction cell
 * @param older what is known of node 0's input; null where both inputs are the previous layer's
 *     output
 */
public record Cell(List<Node> nodes, int width, int stride, @Nullable Older older)
    implements Layer {
  /** Most nodes of a cell, inputs not counted. */
  public static final int MAX_NODES = 32;

  private static final Field<Cell, Integer> WIDTH =
      Field.of("width", Field.WIDTHS, Cell::width)
          .marked("w%s")
          .describedAs("Channels of each node.");
  private static final Field<Cell, Integer> STRIDE =
      Field.of(Field.STRIDE, FieldKind.integer(1, 2), Cell::stride).otherwise(1).marked("s%s");
  private static final Field<Cell, Integer> INPUT_COUNT =
      Field.of("inputs", FieldKind.integer(1, 2), (Cell cell) -> cell.older == null ? 1 : 2)
          .otherwise(2)
          .describedAs("1 where both inputs are the previous layer's output.");
  private static final Field<Cell, List<Node>> NODES =
      Field.of("nodes", new CellNodes(), Cell::nodes);

  /** {@code "cell"}. */
  public static final LayerType<Cell> TYPE =
      LayerType.of("cell", Cell.class, List.of(WIDTH, STRIDE, INPUT_COUNT, NODES), Cell::of)
          .notACandidate("a cell cannot be a candidate")
          .describedAs(
              "A cell of DARTS. Its inputs are the outputs of the layer before the previous one and"
                  + " of the previous one.");

  /** Inputs, which are nodes 0 and 1. */
  public static final int INPUTS = 2;

  /** What an edge does, always from the cell's width to the same. */
  public enum Kind {
    /** Nothing: the edge is cut. */
    ZERO("zero", false),
    /** The maximum over a window. */
    MAX_POOL("max-pool", true),
    /** The average over a window's pixels inside the image. */
    AVG_POOL("avg-pool", true),
    /** The identity; with stride 2 a factorized reduction. */
    IDENTITY("identity", false),
    /**
     * ReLU, depthwise and pointwise convolution, batch norm, all of it twice; the first has the
     * stride.
     */
    SEPARABLE("separable", true),
    /** ReLU, depthwise convolution of dilation 2, pointwise convolution, batch norm. */
    DILATED("dilated", true);

    private final String word;
    private final boolean windowed;

    Kind(String word, boolean windowed) {
      this.word = word;
      this.windowed = windowed;
    }

    /** {@return its name in JSON} */
    public String word() {
      return word;
    }

    /** {@return whether it has a kernel size} */
    public boolean isWindowed() {
      return windowed;
    }
  }

  /**
   * An operation and its size.
   *
   * @param kind which operation
   * @param kernel odd, 1 to 15; 0 where the kind has no window
   */
  public record Op(Kind kind, int kernel) {
    /** Checks the kernel. */
    public Op {
      if (kind.isWindowed() ? kernel < 1 || kernel > 15 || kernel % 2 == 0 : kernel != 0) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: kernel %d", kind.word(), kernel));
      }
    }

    /** {@return the operation in a few words, as in {@code separable 3x3}} */
    public String label() {
      return kind.isWindowed()
          ? String.format(Locale.ROOT, "%s %dx%d", kind.word(), kernel, kernel)
          : kind.word();
    }

    /**
     * {@return the window of the pooling, or of the first depthwise convolution}
     *
     * @param stride step in pixels
     */
    public Window window(int stride) {
      return Window.same(kernel, stride, kind == Kind.DILATED ? 2 : 1);
    }
  }

  /**
   * An edge into a node.
   *
   * @param from the node it comes from
   * @param op what is applied to it
   */
  public record Edge(int from, Op op) {}

  /**
   * The edges whose sum a node is.
   *
   * @param edges at least one
   */
  public record Node(List<Edge> edges) {
    /** Copies the list. */
    public Node {
      edges = List.copyOf(edges);
    }
  }

  /**
   * The output of the layer before the previous one, which a cell's older input is.
   *
   * @param channels its channels
   * @param twice whether its height and width are twice those of the newer input, or else the same
   */
  public record Older(int channels, boolean twice) {
    /**
     * {@return the older input of that shape beside that newer one}
     *
     * @param older the shape of the older input
     * @param newer the shape of the newer input
     * @throws SextantException if they do not go together
     */
    public static Older of(Shape older, Shape newer) {
      if (older.rank() == 4 && newer.rank() == 4) {
        for (int factor : new int[] {1, 2}) {
          if (older.get(1) == factor * newer.get(1) && older.get(2) == factor * newer.get(2)) {
            return new Older(older.channels(), factor == 2);
          }
        }
      }
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cell: the older input must have the size of the newer or twice that (they are %s and"
                  + " %s)",
              older,
              newer));
    }

    /**
     * {@return its shape beside a newer input}
     *
     * @param newer the shape of the newer input
     */
    public Shape shape(Shape newer) {
      int factor = twice ? 2 : 1;
      return Shape.of(newer.get(0), factor * newer.get(1), factor * newer.get(2), channels);
    }
  }

  /** Checks the graph and the numbers. */
  public Cell {
    nodes = List.copyOf(nodes);
    if (nodes.isEmpty() || nodes.size() > MAX_NODES) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "cell: %d nodes is not between 1 and %d", nodes.size(), MAX_NODES));
    }
    if (width < 1 || (long) width * nodes.size() > MAX_WIDTH) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cell: %d nodes of width %d is not between 1 and %d channels",
              nodes.size(),
              width,
              MAX_WIDTH));
    }
    if (stride < 1 || stride > 2) {
      throw new SextantException(
          String.format(Locale.ROOT, "cell: stride %d is neither 1 nor 2", stride));
    }
    boolean halves = older != null && older.twice();
    for (int i = 0; i < nodes.size(); i++) {
      List<Edge> edges = nodes.get(i).edges();
      if (edges.stream().allMatch(edge -> edge.op().kind() == Kind.ZERO)) {
        throw new SextantException("cell: no edge leads to node " + (i + INPUTS));
      }
      for (Edge edge : edges) {
        if (edge.from() < 0 || edge.from() >= i + INPUTS) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "cell: node %d has an edge from %d, which is no earlier node",
                  i + INPUTS,
                  edge.from()));
        }
        halves |= edge.op().kind() == Kind.IDENTITY && strideFrom(stride, edge.from()) == 2;
      }
    }
    if (halves && width % 2 != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cell: width %d is odd, and a factorized reduction has two halves",
              width));
    }
  }

  private static int strideFrom(int stride, int node) {
    return node < INPUTS ? stride : 1;
  }

  /**
   * {@return the stride of the edges that leave a node}
   *
   * @param node its number; 0 and 1 are the inputs
   */
  public int strideFrom(int node) {
    return strideFrom(stride, node);
  }

  /** {@return the graph in a few words, as {@link CellNodes#text} has it} */
  public String graph() {
    return CellNodes.text(nodes);
  }

  /**
   * {@return the shape of the older input beside that newer one}
   *
   * @param input the shape of the newer input
   */
  public Shape olderInput(Shape input) {
    return older == null ? input : older.shape(input);
  }

  /** {@return whether the older input goes through a factorized reduction} */
  public boolean reducesOlder() {
    return older != null && older.twice();
  }

  private static Cell of(FieldValues<Cell> values) {
    Older older = null;
    if (values.get(INPUT_COUNT) == INPUTS) {
      Shape before = values.before();
      if (before == null) {
        throw new SextantException("the first layer has one input: set \"inputs\" to 1");
      }
      older = Older.of(before, values.input());
    }
    return new Cell(values.get(NODES), values.get(WIDTH), values.get(STRIDE), older);
  }

  @Override
  public LayerType<Cell> type() {
    return TYPE;
  }

  /** Of two inputs, the older first, unless both are the previous layer's output. */
  @Override
  public Graph operations(Shape input) {
    if (input.rank() != 4) {
      throw new SextantException(
          String.format(Locale.ROOT, "cell: input must be an image [N,H,W,C] (it is %s)", input));
    }
    return older == null
        ? Graph.of("cell", input, this::lower)
        : Graph.ofTwo("cell", older.shape(input), input, this::lower);
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return lower(graph, x, x);
  }

  /**
   * Poolings and identities of a node come first: what they give goes into its first convolution,
   * which adds it.
   */
  private Graph.Value lower(Graph graph, Graph.Value olderInput, Graph.Value newer) {
    List<Graph.Value> values = new ArrayList<>();
    values.add(
        reducesOlder()
            ? factorized(graph, "older", graph.relu(olderInput))
            : entry(graph, "older", olderInput));
    values.add(entry(graph, "newer", newer));
    for (int n = 0; n < nodes.size(); n++) {
      List<Edge> edges = nodes.get(n).edges();
      Graph.Value sum = null;
      for (Edge edge : edges) {
        if (isPlain(edge)) {
          Graph.Value value = plain(graph, edge, values.get(edge.from()));
          sum = sum == null ? value : graph.sum(sum, value);
        }
      }
      for (int e = 0; e < edges.size(); e++) {
        Edge edge = edges.get(e);
        if (edge.op().kind() != Kind.ZERO && !isPlain(edge)) {
          String name = String.format(Locale.ROOT, "nodes.%d.edges.%d", n, e);
          sum = convolution(graph, name, edge, values.get(edge.from()), newer, sum);
        }
      }
      if (sum == null) {
        throw new IllegalStateException("a node without edges");
      }
      values.add(sum);
    }
    return graph.concat(values.subList(INPUTS, values.size()).toArray(Graph.Value[]::new));
  }

  private Graph.Value entry(Graph graph, String name, Graph.Value x) {
    return graph.pointwise(
        graph.relu(x), name + ".convolution", name + ".norm", width, Activation.IDENTITY);
  }

  private Graph.Value factorized(Graph graph, String name, Graph.Value rectified) {
    return graph.add(new Operation.FactorizedReduction(name, width), rectified);
  }

  private boolean isPlain(Edge edge) {
    return switch (edge.op().kind()) {
      case MAX_POOL, AVG_POOL -> true;
      case IDENTITY -> strideFrom(edge.from()) == 1;
      case ZERO, SEPARABLE, DILATED -> false;
    };
  }

  private Graph.Value plain(Graph graph, Edge edge, Graph.Value x) {
    if (edge.op().kind() == Kind.IDENTITY) {
      return x;
    }
    Window window = edge.op().window(strideFrom(edge.from()));
    return graph.add(new Operation.Pool(edge.op().kind() == Kind.MAX_POOL, window), x);
  }

  private Graph.Value convolution(
      Graph graph,
      String name,
      Edge edge,
      Graph.Value x,
      Graph.Value input,
      Graph.@Nullable Value sum) {
    int step = strideFrom(edge.from());
    return switch (edge.op().kind()) {
      case SEPARABLE -> {
        Graph.Value mid =
            unit(graph, name + ".0", graph.relu(x), edge.op().window(step), Activation.RELU, null);
        Window second = edge.op().window(1);
        yield unit(graph, name + ".1", mid, second, Activation.IDENTITY, sum);
      }
      case DILATED ->
          unit(graph, name, graph.relu(x), edge.op().window(step), Activation.IDENTITY, sum);
      case IDENTITY -> {
        evenSize(input.shape());
        Graph.Value reduced = factorized(graph, name, graph.relu(x));
        yield sum == null ? reduced : graph.sum(reduced, sum);
      }
      case ZERO, MAX_POOL, AVG_POOL -> throw new IllegalArgumentException(edge.op().label());
    };
  }

  /** Depthwise and pointwise convolution and one batch norm. */
  private Graph.Value unit(
      Graph graph,
      String name,
      Graph.Value x,
      Window window,
      Activation activation,
      Graph.@Nullable Value sum) {
    Operation depthwise =
        new Operation.Depthwise(name + ".depthwise", null, false, window, Activation.IDENTITY);
    Operation pointwise =
        new Operation.Convolution(
            name + ".pointwise", name + ".norm", false, width, Window.POINTWISE, 1, activation);
    Graph.Value mid = graph.add(depthwise, x);
    return sum == null ? graph.add(pointwise, mid) : graph.add(pointwise, mid, sum);
  }

  private static void evenSize(Shape image) {
    if (image.get(1) % 2 != 0 || image.get(2) % 2 != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cell: an identity of stride 2 needs an even height and width (it is %s)",
              image));
    }
  }
}
