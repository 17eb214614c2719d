package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  /** An edge as {@link #graph} writes it. */
  private static final Pattern EDGE =
      Pattern.compile("([a-z-]+)(?: (\\d{1,2})x\\2)? from (\\d{1,2})");

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

    /** Its name in JSON. */
    public String word() {
      return word;
    }

    /** Whether it has a kernel size. */
    public boolean isWindowed() {
      return windowed;
    }
  }

  /**
   * An operation and its size.
   *
   * @param kernel odd, 1 to 15; 0 where the kind has no window
   */
  public record Op(Kind kind, int kernel) {
    /** Checks the kernel. */
    public Op {
      if (kind.isWindowed() ? kernel < 1 || kernel > MAX_KERNEL || kernel % 2 == 0 : kernel != 0) {
        throw new SextantException("%s: kernel %d".formatted(kind.word(), kernel));
      }
    }

    /** In a few words, as in {@code separable 3x3}. */
    public String label() {
      return kind.isWindowed() ? "%s %dx%d".formatted(kind.word(), kernel, kernel) : kind.word();
    }

    /** The window of the pooling, or of the first depthwise convolution. */
    public Window window(int stride) {
      return Window.same(kernel, stride, kind == Kind.DILATED ? 2 : 1);
    }
  }

  /**
   * An edge into a node.
   *
   * @param from the node it comes from
   */
  public record Edge(int from, Op op) {}

  /** The edges whose sum a node is. */
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
     * The older input of that shape beside that newer one.
     *
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
          "cell: the older input must have the size of the newer or twice that (they are %s and %s)"
              .formatted(older, newer));
    }

    /** Its shape beside a newer input. */
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
          "cell: %d nodes is not between 1 and %d".formatted(nodes.size(), MAX_NODES));
    }
    if (width < 1 || (long) width * nodes.size() > MAX_WIDTH) {
      throw new SextantException(
          "cell: %d nodes of width %d is not between 1 and %d channels"
              .formatted(nodes.size(), width, MAX_WIDTH));
    }
    if (stride < 1 || stride > 2) {
      throw new SextantException("cell: stride %d is neither 1 nor 2".formatted(stride));
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
              "cell: node %d has an edge from %d, which is no earlier node"
                  .formatted(i + INPUTS, edge.from()));
        }
        halves |= edge.op().kind() == Kind.IDENTITY && strideFrom(stride, edge.from()) == 2;
      }
    }
    if (halves && width % 2 != 0) {
      throw new SextantException(
          "cell: width %d is odd, and a factorized reduction has two halves".formatted(width));
    }
  }

  private static int strideFrom(int stride, int node) {
    return node < INPUTS ? stride : 1;
  }

  /** The stride of the edges that leave a node. */
  public int strideFrom(int node) {
    return strideFrom(stride, node);
  }

  /**
   * The graph in a few words, a node's edges after each other: {@code 2(separable 3x3 from 0,
   * identity from 1) 3(...)}.
   */
  public String graph() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < nodes.size(); i++) {
      String separator = (i == 0 ? "" : " ") + (i + INPUTS) + "(";
      for (Edge edge : nodes.get(i).edges()) {
        text.append(separator).append(edge.op().label()).append(" from ").append(edge.from());
        separator = ", ";
      }
      text.append(')');
    }
    return text.toString();
  }

  /**
   * The nodes of such a text.
   *
   * @throws SextantException if it is none
   */
  public static List<Node> parseGraph(String text) {
    List<Node> nodes = new ArrayList<>();
    for (String node : text.split("(?<=\\)) ", -1)) {
      String start = (nodes.size() + INPUTS) + "(";
      if (!node.startsWith(start) || !node.endsWith(")")) {
        throw new SextantException("cell: '%s' is no node %s...)".formatted(node, start));
      }
      List<Edge> edges = new ArrayList<>();
      for (String edge : node.substring(start.length(), node.length() - 1).split(", ", -1)) {
        edges.add(parseEdge(edge));
      }
      nodes.add(new Node(edges));
    }
    return nodes;
  }

  private static Edge parseEdge(String text) {
    Matcher matcher = EDGE.matcher(text);
    if (matcher.matches()) {
      for (Kind kind : Kind.values()) {
        if (kind.word().equals(matcher.group(1))) {
          int kernel = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
          return new Edge(Integer.parseInt(matcher.group(3)), new Op(kind, kernel));
        }
      }
    }
    throw new SextantException("cell: '%s' is no edge".formatted(text));
  }

  /** The shape of the older input beside that newer one. */
  public Shape olderInput(Shape input) {
    return older == null ? input : older.shape(input);
  }

  /** Whether the older input goes through a factorized reduction. */
  public boolean reducesOlder() {
    return older != null && older.twice();
  }

  /** The shape of nodes 0 and 1. */
  public Shape entry(Shape input) {
    return image(input).withChannels(width);
  }

  /** The shape of the further nodes. */
  public Shape node(Shape input) {
    Shape image = image(input);
    for (Node node : nodes) {
      for (Edge edge : node.edges()) {
        if (edge.op().kind() == Kind.IDENTITY && strideFrom(edge.from()) == 2) {
          evenSize(image);
        }
      }
    }
    return Window.same(1, stride).output(image, width);
  }

  private static void evenSize(Shape image) {
    if (image.get(1) % 2 != 0 || image.get(2) % 2 != 0) {
      throw new SextantException(
          "cell: an identity of stride 2 needs an even height and width (it is %s)"
              .formatted(image));
    }
  }

  private static Shape image(Shape input) {
    if (input.rank() != 4) {
      throw new SextantException(
          "cell: input must be an image [N,H,W,C] (it is %s)".formatted(input));
    }
    return input;
  }

  @Override
  public Shape output(Shape input) {
    olderInput(image(input));
    return node(input).withChannels(width * nodes.size());
  }

  @Override
  public long parameters(Shape input) {
    long sum = pointwise(olderInput(image(input)).channels()) + pointwise(input.channels());
    for (Node node : nodes) {
      for (Edge edge : node.edges()) {
        sum += parameters(edge);
      }
    }
    return sum;
  }

  /** A pointwise convolution to the cell's width and its batch norm. */
  private long pointwise(int in) {
    return (in + 2L) * width;
  }

  private long parameters(Edge edge) {
    long unit = (long) edge.op().kernel() * edge.op().kernel() * width + pointwise(width);
    return switch (edge.op().kind()) {
      case ZERO, MAX_POOL, AVG_POOL -> 0;
      case IDENTITY -> strideFrom(edge.from()) == 2 ? pointwise(width) : 0;
      case SEPARABLE -> 2 * unit;
      case DILATED -> unit;
    };
  }

  @Override
  public long macs(Shape input) {
    long sum =
        (long) (olderInput(image(input)).channels() + input.channels()) * entry(input).size();
    long pixels = node(input).size();
    for (Node node : nodes) {
      for (Edge edge : node.edges()) {
        long unit = ((long) edge.op().kernel() * edge.op().kernel() + width) * pixels;
        sum +=
            switch (edge.op().kind()) {
              case ZERO, MAX_POOL, AVG_POOL -> 0;
              case IDENTITY -> strideFrom(edge.from()) == 2 ? width * pixels : 0;
              case SEPARABLE -> 2 * unit;
              case DILATED -> unit;
            };
      }
    }
    return sum;
  }
}
