package dev.sextant.runtime;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns layers into a {@link Program} and folded parameters: each batch norm goes into the
 * convolution before it, w' = w gamma / sqrt(variance + epsilon) and b' = beta - mean gamma /
 * sqrt(variance + epsilon), and activations and residuals into the kernels' epilogues.
 */
final class ProgramBuilder {
  /** A depthwise kernel of 2x2 and stride 2 that picks the odd pixels of an image. */
  private static final Window PAIR = new Window(2, 2, 0, 1);

  /** Floats of an expansion that is not kept whole: three quarters of a second-level cache. */
  private static final int EXPANSION_FLOATS = 3 << 16;

  private static final Window EVEN = new Window(1, 2, 0, 1);

  private final Weights weights;
  private final List<Program.Value> values = new ArrayList<>();
  private final List<Program.Step> steps = new ArrayList<>();
  private final FoldedParameters parameters;

  /** What was activated already. */
  private final Map<Activated, Integer> activated = new HashMap<>();

  private final Deque<Fork> forks = new ArrayDeque<>();
  private int buffers;

  private record Activated(int value, Activation activation) {}

  /** A builder whose layers read their tensors, named as {@link WeightNames} says, from there. */
  ProgramBuilder(Weights weights, double epsilon) {
    this.weights = weights;
    parameters = new FoldedParameters(weights, epsilon);
  }

  /** A network for that many images at once. */
  static ProgramBuilder network(Architecture architecture, Weights weights, int batch) {
    return network(architecture, weights, batch, new int[architecture.layers().size()]);
  }

  /** The same, which also writes before which step each layer ends. */
  static ProgramBuilder network(Architecture architecture, Weights weights, int batch, int[] ends) {
    ProgramBuilder builder = new ProgramBuilder(weights, architecture.batchNormEpsilon());
    int before = Program.NONE;
    List<Integer> predictions = new ArrayList<>();
    int value = builder.value(architecture.input().shape(batch));
    for (int i = 0; i < architecture.layers().size(); i++) {
      int next = builder.layer(WeightNames.prefix(i), architecture.layers().get(i), before, value);
      before = value;
      if (architecture.layers().get(i) instanceof Detect) {
        predictions.add(next);
      } else {
        value = next;
      }
      ends[i] = builder.steps.size();
    }
    if (!predictions.isEmpty()) {
      builder.concat(
          predictions.stream().mapToInt(Integer::intValue).toArray(),
          Shape.of(batch, architecture.outputs()));
    }
    return builder;
  }

  /** What was built; its input is the first value, its output the last. */
  Program program() {
    return new Program(List.copyOf(values), List.copyOf(steps), 0, values.size() - 1);
  }

  /** The folded parameters, by the indices that the steps use. */
  List<Weights.Entry> parameters() {
    return parameters.all();
  }

  /** A value in a buffer of its own. */
  int value(Shape shape) {
    return add(new Program.Value(buffers++, shape));
  }

  private int reshape(int value, Shape shape) {
    return add(new Program.Value(values.get(value).buffer(), shape));
  }

  private int add(Program.Value value) {
    values.add(value);
    return values.size() - 1;
  }

  Shape shape(int value) {
    return values.get(value).shape();
  }

  /**
   * Appends a layer that reads a value; returns the value it writes.
   *
   * @param before the older input of a layer with two inputs; not read by anything else
   */
  int layer(String prefix, Layer layer, int before, int in) {
    if (layer instanceof Junction junction
        && (junction.kind() == Junction.Kind.FORK || !forks.isEmpty())) {
      return junction(junction.kind(), in);
    }
    Graph graph = layer.operations(shape(in));
    int[] values = new int[graph.inputs().size() + graph.nodes().size()];
    if (graph.inputs().size() == 2) {
      values[0] = before;
      values[1] = in;
    } else {
      values[0] = in;
    }
    for (int i = 0; i < graph.nodes().size(); i++) {
      Graph.Node node = graph.nodes().get(i);
      int[] inputs = new int[node.inputs().size()];
      for (int j = 0; j < inputs.length; j++) {
        inputs[j] = values[node.inputs().get(j).index()];
      }
      values[node.output().index()] = operation(prefix, graph, i, inputs);
    }
    return values[graph.output().index()];
  }

  private int operation(String prefix, Graph graph, int index, int[] in) {
    Graph.Node node = graph.nodes().get(index);
    return switch (node.operation()) {
      case Operation.Convolution convolution -> {
        int weight = weight(prefix, convolution.name(), convolution.norm(), convolution.bias());
        int residual = in.length > 1 ? in[1] : Program.NONE;
        Window window = convolution.window();
        Activation activation = convolution.activation();
        if (window.isPointwise()
            && convolution.groups() == 1
            && activation == Activation.IDENTITY) {
          yield projected(in[0], isReadHereAlone(graph, index), weight, residual);
        }
        yield convolution.groups() == 1
            ? convolution(in[0], weight, window, activation, residual)
            : grouped(in[0], weight, window, convolution.groups(), activation, residual);
      }
      case Operation.Depthwise depthwise -> {
        int weight = weight(prefix, depthwise.name(), depthwise.norm(), depthwise.bias());
        boolean alone = isReadHereAlone(graph, index);
        yield expanded(in[0], alone, weight, depthwise.window(), depthwise.activation());
      }
      case Operation.Linear linear -> {
        int out = dense(prefix + dotted(linear.name()), in[0], linear.activation());
        yield reshape(out, Shape.of(shape(out).get(0), shape(out).channels()));
      }
      case Operation.Pool pool -> {
        int out = value(node.output().shape());
        steps.add(new Program.Pool(in[0], pool.max(), pool.window(), out));
        yield out;
      }
      case Operation.GlobalAvgPool _ -> {
        int out = value(node.output().shape());
        steps.add(new Program.GlobalPool(in[0], out));
        yield out;
      }
      case Operation.Activate activate -> activate(in[0], activate.activation());
      case Operation.ScaleChannels _ -> {
        // In place where nothing reads the image after this.
        boolean last = graph.isLastRead(index, node.inputs().getFirst());
        int out = last ? reshape(in[0], shape(in[0])) : value(shape(in[0]));
        steps.add(new Program.Gate(in[0], in[1], out));
        yield out;
      }
      case Operation.Add _ -> add(in[0], in[1]);
      case Operation.Slice slice -> {
        int out = value(node.output().shape());
        steps.add(new Program.CopyChannels(in[0], slice.from(), 0, out));
        yield out;
      }
      case Operation.Concat _ -> concat(in, node.output().shape());
      case Operation.Interleave _ -> interleave(in, node.output().shape());
      case Operation.Predictions predictions -> predictions(predictions.anchors(), in);
      case Operation.FactorizedReduction reduction ->
          factorized(prefix + dotted(reduction.name()), in[0]);
      case Operation.Custom custom -> {
        List<Integer> operands = Arrays.stream(in).boxed().toList();
        int first = parameters.size();
        List<Shape> shapes = node.inputs().stream().map(Graph.Value::shape).toList();
        List<Operation.Weight> weights = custom.kernel().weights(shapes);
        weights.forEach(weight -> parameters.add(this.weights.get(prefix + weight.name())));
        int out = value(node.output().shape());
        steps.add(new Program.Custom(custom.kernel(), operands, first, weights.size(), out));
        yield out;
      }
    };
  }

  private static String dotted(String name) {
    return name.isEmpty() ? "" : name + ".";
  }

  private int weight(String prefix, String name, @Nullable String norm, boolean bias) {
    String path = prefix + dotted(name);
    if (norm != null) {
      return parameters.folded(path + "weight", prefix + dotted(norm));
    }
    return bias ? parameters.biased(path) : parameters.unbiased(weights.get(path + "weight"));
  }

  /** A value and activation is computed once, whoever reads it. */
  private int activate(int in, Activation activation) {
    Integer known = activated.get(new Activated(in, activation));
    if (known != null) {
      return known;
    }
    int out = value(shape(in));
    steps.add(new Program.Activate(in, activation, out));
    activated.put(new Activated(in, activation), out);
    return out;
  }

  private int add(int a, int b) {
    int out = value(shape(a));
    steps.add(new Program.Add(a, b, out));
    return out;
  }

  /** Each part is copied as soon as it is there, so that its buffer can be used again. */
  private int concat(int[] parts, Shape shape) {
    int out = value(shape);
    int at = 0;
    for (int part : parts) {
      steps.add(behind(part), new Program.CopyChannels(part, 0, at, out));
      at += shape(part).channels();
    }
    return out;
  }

  /** The place behind the step that writes a value. */
  private int behind(int value) {
    for (int i = steps.size() - 1; i >= 0; i--) {
      if (values.get(steps.get(i).out()).buffer() == values.get(value).buffer()) {
        return i + 1;
      }
    }
    return 0;
  }

  /** Channels last, so that n parts in turn are n columns of a matrix side by side. */
  private int interleave(int[] parts, Shape shape) {
    int out = value(shape);
    int columns = reshape(out, Shape.of(shape.size() / parts.length, parts.length));
    for (int i = 0; i < parts.length; i++) {
      int column = reshape(parts[i], Shape.of(shape(parts[i]).size(), 1));
      steps.add(new Program.CopyChannels(column, 0, i, columns));
    }
    return reshape(out, shape);
  }

  /** Channels last, so that a pixel's anchors are rows: of a box, and of logits beside it. */
  private int predictions(int anchors, int[] in) {
    int boxes = shape(in[0]).channels() / anchors;
    int scores = shape(in[1]).channels() / anchors;
    int images = shape(in[0]).get(0);
    int rows = shape(in[0]).size() / boxes;
    int out = value(Shape.of(images, rows / images * (boxes + scores)));
    int columns = reshape(out, Shape.of(rows, boxes + scores));
    int left = reshape(in[0], Shape.of(rows, boxes));
    int right = reshape(in[1], Shape.of(rows, scores));
    steps.add(new Program.CopyChannels(left, 0, 0, columns));
    steps.add(new Program.CopyChannels(right, 0, boxes, columns));
    return out;
  }

  /** Two pointwise convolutions of stride 2 side by side, one of them a pixel further on. */
  private int factorized(String name, int x) {
    int[] kernels =
        parameters.foldedSideBySide(name + "even.weight", name + "odd.weight", name + "norm.");
    int even = convolution(x, kernels[0], EVEN, Activation.IDENTITY, Program.NONE);
    int channels = shape(x).channels();
    float[] pick = new float[4 * channels];
    Arrays.fill(pick, 3 * channels, 4 * channels, 1);
    int kernel = parameters.unbiased(new Weights.Entry(Shape.of(2, 2, channels), pick));
    int picked = depthwise(x, kernel, PAIR, Activation.IDENTITY);
    int odd = convolution(picked, kernels[1], Window.POINTWISE, Activation.IDENTITY, Program.NONE);
    Shape half = shape(even);
    int out = value(half.withChannels(2 * half.channels()));
    steps.add(new Program.CopyChannels(even, 0, 0, out));
    steps.add(new Program.CopyChannels(odd, 0, half.channels(), out));
    return out;
  }

  /** A fork that no sum has ended yet. */
  private static final class Fork {
    private final int input;
    private int sum = Program.NONE;

    Fork(int input) {
      this.input = input;
    }
  }

  private int junction(Junction.Kind kind, int in) {
    if (kind == Junction.Kind.FORK) {
      forks.push(new Fork(in));
      return in;
    }
    boolean last = kind == Junction.Kind.SUM;
    Fork fork = forks.element();
    fork.sum = fork.sum == Program.NONE ? in : sum(fork.sum, in);
    return last ? forks.pop().sum : fork.input;
  }

  /** Values of one height and width; what the narrower lacks is zero. */
  private int sum(int a, int b) {
    int wide = shape(a).channels() < shape(b).channels() ? b : a;
    int narrow = wide == a ? b : a;
    int common = wide;
    if (shape(narrow).channels() < shape(wide).channels()) {
      common = value(shape(narrow));
      steps.add(new Program.CopyChannels(wide, 0, 0, common));
    }
    int sum = value(shape(narrow));
    steps.add(new Program.Add(common, narrow, sum));
    if (common == wide) {
      return sum;
    }
    int out = value(shape(wide));
    steps.add(new Program.CopyChannels(wide, 0, 0, out));
    steps.add(new Program.CopyChannels(sum, 0, 0, out));
    return out;
  }

  /** A fully connected layer: a pointwise convolution over one pixel, for its fused epilogue. */
  private int dense(String prefix, int in, Activation activation) {
    Weights.Entry weight = weights.get(prefix + "weight");
    Shape kernel = Shape.of(1, 1, weight.shape().get(0), weight.shape().get(1));
    int parameter = parameters.add(new Weights.Entry(kernel, weight.values()));
    parameters.add(weights.get(prefix + "bias"));
    int pixel = reshape(in, Shape.of(shape(in).get(0), 1, 1, shape(in).channels()));
    return convolution(pixel, parameter, Window.POINTWISE, activation, Program.NONE);
  }

  /** The bias is the parameter after the weight. */
  private int convolution(int in, int weight, Window window, Activation activation, int residual) {
    int channels = parameters.get(weight).shape().channels();
    int out = value(window.output(shape(in), channels));
    steps.add(new Program.Convolution(in, weight, weight + 1, window, activation, residual, out));
    return out;
  }

  /** A convolution of each part of the channels, of its own columns of the weight. */
  private int grouped(
      int in, int weight, Window window, int groups, Activation activation, int residual) {
    Weights.Entry kernel = parameters.get(weight);
    Weights.Entry bias = parameters.get(weight + 1);
    parameters.takeBack(weight);
    int from = shape(in).channels() / groups;
    int to = kernel.shape().channels() / groups;
    int out = value(window.output(shape(in), groups * to));
    for (int group = 0; group < groups; group++) {
      int part = value(shape(in).withChannels(from));
      steps.add(new Program.CopyChannels(in, group * from, 0, part));
      int own = parameters.add(kernel.columns(group * to, to));
      parameters.add(bias.columns(group * to, to));
      int result = convolution(part, own, window, activation, Program.NONE);
      steps.add(new Program.CopyChannels(result, 0, group * to, out));
    }
    return residual == Program.NONE ? out : add(out, residual);
  }

  /** Whether a node is the only one that reads its first input, which is of the layer alone. */
  private static boolean isReadHereAlone(Graph graph, int index) {
    Graph.Value x = graph.nodes().get(index).inputs().getFirst();
    return graph.reads(x) == 1 && graph.isLastRead(index, x);
  }

  /** Takes the last step and its value back where it made that value, which is read alone. */
  private <T extends Program.Step> @Nullable T takenBack(Class<T> kind, int value, boolean alone) {
    if (!alone
        || value != values.size() - 1
        || steps.isEmpty()
        || steps.getLast().out() != value
        || !kind.isInstance(steps.getLast())) {
      return null;
    }
    values.removeLast();
    buffers--;
    return kind.cast(steps.removeLast());
  }

  /** A depthwise convolution, in one step with an expansion before it that is large. */
  private int expanded(int in, boolean alone, int weight, Window window, Activation activation) {
    Shape shape = window.output(shape(in), shape(in).channels());
    boolean large = shape(in).size() / shape(in).get(0) >= EXPANSION_FLOATS;
    Program.Convolution expand =
        takenBack(Program.Convolution.class, in, alone && large && isPointwise(steps));
    if (expand == null) {
      return depthwise(in, weight, window, activation);
    }
    int out = value(shape);
    steps.add(Program.Expanded.of(expand, weight, window, activation, out));
    return out;
  }

  private static boolean isPointwise(List<Program.Step> steps) {
    return !steps.isEmpty()
        && steps.getLast() instanceof Program.Convolution last
        && last.window().isPointwise()
        && last.residual() == Program.NONE;
  }

  /** A pointwise convolution, in one step with the expanded value that it projects. */
  private int projected(int in, boolean alone, int weight, int residual) {
    Shape shape = shape(in).withChannels(parameters.get(weight).shape().channels());
    boolean open =
        !steps.isEmpty()
            && steps.getLast() instanceof Program.Expanded last
            && last.project() == Program.NONE;
    Program.Expanded block = takenBack(Program.Expanded.class, in, alone && open);
    if (block == null) {
      return convolution(in, weight, Window.POINTWISE, Activation.IDENTITY, residual);
    }
    int out = value(shape);
    steps.add(block.to(weight, residual, out));
    return out;
  }

  private int depthwise(int in, int weight, Window window, Activation activation) {
    int out = value(window.output(shape(in), shape(in).channels()));
    steps.add(new Program.Depthwise(in, weight, weight + 1, window, activation, out));
    return out;
  }
}
