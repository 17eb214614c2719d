package dev.sextant.bench.onnx;

import dev.sextant.bench.onnx.OnnxGraph.Attribute;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.WeightNames;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A network as an ONNX model that takes images {@code [batch, C, H, W]} and gives logits {@code
 * [batch, classes]}. Batch norms stay nodes of their own, as exporters write them; a runtime folds
 * them.
 */
public final class OnnxNetwork {
  private static final String INPUT = "images";

  private final Weights weights;
  private final double epsilon;
  private final OnnxGraph onnx = new OnnxGraph();
  private final Deque<Fork> forks = new ArrayDeque<>();
  private String prefix = "";

  private OnnxNetwork(Weights weights, double epsilon) {
    this.weights = weights;
    this.epsilon = epsilon;
  }

  /** A value and its shape in this engine's order of dimensions. */
  private record Value(String name, Shape shape) {}

  /** A fork that no sum has ended yet. */
  private static final class Fork {
    private final Value input;
    private @Nullable Value sum;

    Fork(Value input) {
      this.input = input;
    }
  }

  /**
   * {@return the model's bytes}
   *
   * @param architecture the network
   * @param weights its weights, by the names of {@link WeightNames}
   * @param batch images of one run
   * @throws SextantException if a layer from outside has no form in ONNX
   */
  public static byte[] bytes(Architecture architecture, Weights weights, int batch) {
    OnnxNetwork network = new OnnxNetwork(weights, architecture.batchNormEpsilon());
    Shape shape = architecture.input().shape(batch);
    Value before = null;
    Value value = new Value(INPUT, shape);
    for (int i = 0; i < architecture.layers().size(); i++) {
      network.prefix = WeightNames.prefix(i);
      Value next = network.layer(architecture.layers().get(i), before, value);
      before = value;
      value = next;
    }
    return network.onnx.model(
        architecture.name(),
        INPUT,
        extents(shape),
        value.name,
        List.of(batch, architecture.classes()));
  }

  /** ONNX has the channels before the pixels. */
  private static List<Integer> extents(Shape image) {
    return List.of(image.get(0), image.channels(), image.get(1), image.get(2));
  }

  private Value layer(Layer layer, @Nullable Value before, Value in) {
    if (layer instanceof Junction junction) {
      return junction(junction.kind(), in);
    }
    Graph graph = layer.operations(in.shape);
    List<Value> values = new ArrayList<>();
    if (graph.inputs().size() == 2 && before != null) {
      values.add(before);
    }
    values.add(in);
    for (Graph.Node node : graph.nodes()) {
      List<Value> inputs = node.inputs().stream().map(value -> values.get(value.index())).toList();
      Shape shape = node.output().shape();
      values.add(new Value(operation(node.operation(), inputs, shape), shape));
    }
    return values.get(graph.output().index());
  }

  private Value junction(Junction.Kind kind, Value in) {
    if (kind == Junction.Kind.FORK) {
      forks.push(new Fork(in));
      return in;
    }
    Fork fork = forks.element();
    Value sum = fork.sum == null ? in : sum(fork.sum, in);
    fork.sum = sum;
    if (kind == Junction.Kind.NEXT) {
      return fork.input;
    }
    forks.pop();
    return sum;
  }

  /** What the narrower lacks is zero. */
  private Value sum(Value a, Value b) {
    Value wide = a.shape.channels() < b.shape.channels() ? b : a;
    Value narrow = wide == a ? b : a;
    String padded = narrow.name;
    int missing = wide.shape.channels() - narrow.shape.channels();
    if (missing > 0) {
      String pads = onnx.integers(0, 0, 0, 0, 0, missing, 0, 0);
      padded = onnx.node("Pad", List.of(padded, pads));
    }
    return new Value(onnx.node("Add", List.of(wide.name, padded)), wide.shape);
  }

  private String operation(Operation operation, List<Value> inputs, Shape output) {
    Value x = inputs.getFirst();
    return switch (operation) {
      case Operation.Convolution convolution -> {
        String weight = kernel(dotted(convolution.name()) + "weight");
        String y =
            convolution(
                x.name,
                weight,
                bias(convolution.bias(), convolution.name()),
                convolution.window(),
                convolution.groups());
        y = activation(norm(y, convolution.norm()), convolution.activation());
        yield inputs.size() == 1 ? y : onnx.node("Add", List.of(y, inputs.get(1).name));
      }
      case Operation.Depthwise depthwise -> {
        String weight = depthwiseKernel(dotted(depthwise.name()) + "weight");
        String y =
            convolution(
                x.name,
                weight,
                bias(depthwise.bias(), depthwise.name()),
                depthwise.window(),
                x.shape.channels());
        yield activation(norm(y, depthwise.norm()), depthwise.activation());
      }
      case Operation.Linear linear -> {
        String weight = plain(dotted(linear.name()) + "weight");
        String bias = plain(dotted(linear.name()) + "bias");
        yield activation(onnx.node("Gemm", List.of(x.name, weight, bias)), linear.activation());
      }
      case Operation.Pool pool -> pool(x.name, pool);
      case Operation.GlobalAvgPool _ ->
          onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(x.name))));
      case Operation.Activate activate -> activation(x.name, activate.activation());
      case Operation.ScaleChannels _ -> {
        List<String> gate = List.of(inputs.get(1).name, onnx.integers(2, 3));
        yield onnx.node("Mul", List.of(x.name, onnx.node("Unsqueeze", gate)));
      }
      case Operation.Add _ -> onnx.node("Add", List.of(x.name, inputs.get(1).name));
      case Operation.Slice slice ->
          onnx.node(
              "Slice",
              List.of(
                  x.name,
                  onnx.integers(slice.from()),
                  onnx.integers(slice.to()),
                  onnx.integers(1)));
      case Operation.Concat _ -> concat(inputs);
      case Operation.Interleave _ -> interleave(inputs, output);
      case Operation.FactorizedReduction reduction -> factorized(x, reduction);
      case Operation.Predictions _ -> throw new SextantException("detect: is not written here");
      case Operation.Custom custom ->
          throw new SextantException(
              String.format(Locale.ROOT, "%s: has no form in ONNX", custom.kernel().name()));
    };
  }

  private static String dotted(String name) {
    return name.isEmpty() ? "" : name + ".";
  }

  private String convolution(
      String x, String weight, @Nullable String bias, Window window, int groups) {
    int k = window.kernel();
    return onnx.node(
        "Conv",
        bias == null ? List.of(x, weight) : List.of(x, weight, bias),
        Attribute.list("kernel_shape", k, k),
        strides(window),
        pads(window),
        dilations(window),
        Attribute.of("group", groups));
  }

  private static Attribute strides(Window window) {
    return Attribute.list("strides", window.stride(), window.stride());
  }

  private static Attribute pads(Window window) {
    int p = window.padding();
    return Attribute.list("pads", p, p, p, p);
  }

  private static Attribute dilations(Window window) {
    return Attribute.list("dilations", window.dilation(), window.dilation());
  }

  /** The padding takes no part in a mean, which is ONNX's default too. */
  private String pool(String x, Operation.Pool pool) {
    int k = pool.window().kernel();
    return onnx.node(
        pool.max() ? "MaxPool" : "AveragePool",
        List.of(x),
        Attribute.list("kernel_shape", k, k),
        strides(pool.window()),
        pads(pool.window()),
        dilations(pool.window()));
  }

  private String norm(String x, @Nullable String norm) {
    if (norm == null) {
      return x;
    }
    String of = dotted(norm);
    return onnx.node(
        "BatchNormalization",
        List.of(
            x, plain(of + "gamma"), plain(of + "beta"), plain(of + "mean"), plain(of + "variance")),
        Attribute.of("epsilon", epsilon));
  }

  private String activation(String x, Activation activation) {
    return switch (activation) {
      case IDENTITY -> x;
      case RELU -> onnx.node("Relu", List.of(x));
      case RELU6 -> {
        String low = onnx.floats(List.of(), new float[] {0});
        String high = onnx.floats(List.of(), new float[] {6});
        yield onnx.node("Clip", List.of(x, low, high));
      }
      case HSWISH -> onnx.node("HardSwish", List.of(x));
      case SIGMOID -> onnx.node("Sigmoid", List.of(x));
    };
  }

  private String concat(List<Value> parts) {
    return onnx.node("Concat", parts.stream().map(Value::name).toList(), Attribute.of("axis", 1));
  }

  /** Side by side, then shuffled with as many groups as there are parts. */
  private String interleave(List<Value> parts, Shape output) {
    int n = parts.size();
    int c = output.channels() / n;
    int h = output.get(1);
    int w = output.get(2);
    String split =
        onnx.node("Reshape", List.of(concat(parts), onnx.integers(output.get(0), n, c, h, w)));
    String turned = onnx.node("Transpose", List.of(split), Attribute.list("perm", 0, 2, 1, 3, 4));
    return onnx.node("Reshape", List.of(turned, onnx.integers(output.get(0), n * c, h, w)));
  }

  /** The odd pixels are the even ones of the image without its first row and column. */
  private String factorized(Value x, Operation.FactorizedReduction reduction) {
    String name = dotted(reduction.name());
    Window every = new Window(1, 2, 0, 1);
    String even = convolution(x.name, kernel(name + "even.weight"), null, every, 1);
    String ends = onnx.integers(x.shape.get(1), x.shape.get(2));
    String further =
        onnx.node("Slice", List.of(x.name, onnx.integers(1, 1), ends, onnx.integers(2, 3)));
    String odd = convolution(further, kernel(name + "odd.weight"), null, every, 1);
    String both = onnx.node("Concat", List.of(even, odd), Attribute.of("axis", 1));
    return norm(both, name + "norm");
  }

  private @Nullable String bias(boolean present, String name) {
    return present ? plain(dotted(name) + "bias") : null;
  }

  /** A tensor as it is. */
  private String plain(String name) {
    Weights.Entry entry = weights.get(prefix + name);
    List<Integer> extents = new ArrayList<>();
    for (int i = 0; i < entry.shape().rank(); i++) {
      extents.add(entry.shape().get(i));
    }
    return onnx.floats(extents, entry.values());
  }

  /** {@code [k, k, in, out]} as {@code [out, in, k, k]}. */
  private String kernel(String name) {
    Weights.Entry entry = weights.get(prefix + name);
    int k = entry.shape().get(0);
    int in = entry.shape().get(2);
    int out = entry.shape().get(3);
    return onnx.floats(List.of(out, in, k, k), turned(entry.values(), k * k, in, out));
  }

  /** {@code [k, k, C]} as {@code [C, 1, k, k]}. */
  private String depthwiseKernel(String name) {
    Weights.Entry entry = weights.get(prefix + name);
    int k = entry.shape().get(0);
    int channels = entry.shape().get(2);
    return onnx.floats(List.of(channels, 1, k, k), turned(entry.values(), k * k, 1, channels));
  }

  /** {@code [a, b, c]} as {@code [c, b, a]}. */
  private static float[] turned(float[] values, int a, int b, int c) {
    float[] turned = new float[values.length];
    for (int i = 0; i < a; i++) {
      for (int j = 0; j < b; j++) {
        for (int k = 0; k < c; k++) {
          turned[(k * b + j) * a + i] = values[(i * b + j) * c + k];
        }
      }
    }
    return turned;
  }
}
