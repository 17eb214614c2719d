package dev.sextant.runtime;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns cells into steps of a {@link ProgramBuilder}: the ReLU of a value that several convolutions
 * read is computed once, and a node's sum is the residual of its last convolution.
 */
final class CellBuilder {
  /** A depthwise kernel of 2x2 and stride 2 that picks the odd pixels of an image. */
  private static final Window PAIR = new Window(2, 2, 0, 1);

  private static final Window EVEN = new Window(1, 2, 0, 1);

  private final ProgramBuilder program;

  /** The ReLU of a value, once it was needed. */
  private final Map<Integer, Integer> rectified = new HashMap<>();

  CellBuilder(ProgramBuilder program) {
    this.program = program;
  }

  /** Appends a cell that reads two values; returns the value it writes. */
  int cell(String prefix, Cell cell, int older, int newer) {
    Shape input = program.shape(newer);
    int[] values = new int[Cell.INPUTS + cell.nodes().size()];
    values[0] =
        cell.reducesOlder()
            ? factorized(prefix + "older.", older)
            : pointwise(prefix + "older.", older);
    values[1] = pointwise(prefix + "newer.", newer);
    int out = program.value(cell.output(input));
    for (int n = 0; n < cell.nodes().size(); n++) {
      int node = node(prefix, cell, n, values);
      values[Cell.INPUTS + n] = node;
      program.add(new Program.CopyChannels(node, n * cell.width(), out));
    }
    return out;
  }

  /**
   * The sum of a node's edges. Poolings and identities come first: what they give goes into the
   * first convolution as its residual.
   */
  private int node(String prefix, Cell cell, int node, int[] values) {
    List<Cell.Edge> edges = cell.nodes().get(node).edges();
    int sum = Program.NONE;
    for (Cell.Edge edge : edges) {
      if (isPlain(cell, edge)) {
        int value = plain(cell, edge, values[edge.from()]);
        sum = sum == Program.NONE ? value : sum(sum, value);
      }
    }
    for (int e = 0; e < edges.size(); e++) {
      Cell.Edge edge = edges.get(e);
      if (edge.op().kind() != Cell.Kind.ZERO && !isPlain(cell, edge)) {
        sum = convolution(WeightNames.edgePrefix(prefix, node, e), cell, edge, values, sum);
      }
    }
    return sum;
  }

  private static boolean isPlain(Cell cell, Cell.Edge edge) {
    return switch (edge.op().kind()) {
      case MAX_POOL, AVG_POOL -> true;
      case IDENTITY -> cell.strideFrom(edge.from()) == 1;
      case ZERO, SEPARABLE, DILATED -> false;
    };
  }

  private int plain(Cell cell, Cell.Edge edge, int in) {
    if (edge.op().kind() == Cell.Kind.IDENTITY) {
      return in;
    }
    Window window = edge.op().window(cell.strideFrom(edge.from()));
    int out = program.value(window.output(program.shape(in), cell.width()));
    program.add(new Program.Pool(in, edge.op().kind() == Cell.Kind.MAX_POOL, window, out));
    return out;
  }

  private int sum(int a, int b) {
    int out = program.value(program.shape(a));
    program.add(new Program.Add(a, b, out));
    return out;
  }

  private int convolution(String name, Cell cell, Cell.Edge edge, int[] values, int residual) {
    int in = values[edge.from()];
    Window window =
        edge.op().kind().isWindowed()
            ? edge.op().window(cell.strideFrom(edge.from()))
            : Window.POINTWISE;
    return switch (edge.op().kind()) {
      case SEPARABLE -> {
        int mid = unit(name + "0.", relu(in), window, Activation.RELU, Program.NONE);
        yield unit(name + "1.", mid, edge.op().window(1), Activation.IDENTITY, residual);
      }
      case DILATED -> unit(name, relu(in), window, Activation.IDENTITY, residual);
      case IDENTITY -> {
        int reduced = factorized(name, in);
        yield residual == Program.NONE ? reduced : sum(reduced, residual);
      }
      case ZERO, MAX_POOL, AVG_POOL -> throw new IllegalArgumentException(edge.op().label());
    };
  }

  /** Depthwise and pointwise convolution, batch norm folded into the latter. */
  private int unit(String name, int in, Window window, Activation activation, int residual) {
    int depthwise = program.unbiased(name + "depthwise.weight");
    int mid = program.depthwise(in, depthwise, window, Activation.IDENTITY);
    int pointwise = program.folded(name + "pointwise.weight", name + "norm.");
    return program.convolution(mid, pointwise, Window.POINTWISE, activation, residual);
  }

  private int pointwise(String name, int in) {
    int weight = program.folded(name + "convolution.weight", name + "norm.");
    return program.convolution(
        relu(in), weight, Window.POINTWISE, Activation.IDENTITY, Program.NONE);
  }

  /** Two pointwise convolutions of stride 2 side by side, one of them a pixel further on. */
  private int factorized(String name, int in) {
    int x = relu(in);
    int[] weights =
        program.foldedSideBySide(name + "even.weight", name + "odd.weight", name + "norm.");
    int even = program.convolution(x, weights[0], EVEN, Activation.IDENTITY, Program.NONE);
    int channels = program.shape(x).channels();
    float[] pick = new float[4 * channels];
    java.util.Arrays.fill(pick, 3 * channels, 4 * channels, 1);
    int kernel = program.unbiased(new Weights.Entry(Shape.of(2, 2, channels), pick));
    int picked = program.depthwise(x, kernel, PAIR, Activation.IDENTITY);
    int odd =
        program.convolution(
            picked, weights[1], Window.POINTWISE, Activation.IDENTITY, Program.NONE);
    Shape half = program.shape(even);
    int out = program.value(half.withChannels(2 * half.channels()));
    program.add(new Program.CopyChannels(even, 0, out));
    program.add(new Program.CopyChannels(odd, half.channels(), out));
    return out;
  }

  private int relu(int value) {
    Integer known = rectified.get(value);
    if (known != null) {
      return known;
    }
    int out = program.value(program.shape(value));
    program.add(new Program.Activate(value, Activation.RELU, out));
    rectified.put(value, out);
    return out;
  }
}
