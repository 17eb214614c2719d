package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.read.GraphImport.Activated;
import dev.sextant.onnx.read.GraphImport.Value;
import dev.sextant.runtime.dag.GraphKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions and batch norms. */
final class ConvolutionImport {
  private final GraphImport network;
  private final NodeReader node;
  private final ImportGraph graph;

  ConvolutionImport(GraphImport network, NodeReader node) {
    this.network = network;
    this.node = node;
    graph = network.graph();
  }

  void read() {
    TensorProto kernel = node.constant(1);
    List<Long> extents = kernel.extents();
    if (extents.size() != 4 || !extents.get(2).equals(extents.get(3))) {
      throw node.error("its kernel %s is not square, which is not supported", extents);
    }
    long groups = node.whole("group", 1);
    long out = extents.get(0);
    int k = (int) Math.min(extents.get(2), Integer.MAX_VALUE);
    Value x = network.value(node, 0);
    int in = network.shape(x).channels();
    if (out < 1
        || out > Layer.MAX_WIDTH
        || k < 1
        || groups < 1
        || in % groups != 0
        || out % groups != 0
        || extents.get(1) != in / groups) {
      throw node.error("its kernel %s does not fit %d channels in %d groups", extents, in, groups);
    }
    int channels = (int) out;
    float @Nullable [] bias = node.hasInput(2) ? node.floats(2, channels) : null;
    float[] values = kernel.toFloats();
    if (network.shape(x).rank() == 2) {
      linear(x, k, (int) groups, values, bias, channels);
      return;
    }
    Window window = window(k, network.shape(x));
    x = padded(x, window);
    window = padding >= 0 ? window : new Window(k, window.stride(), 0, window.dilation());
    String name = graph.nextName();
    NodeProto norm = following("BatchNormalization");
    String output = node.output();
    if (norm != null) {
      network.take(norm);
      output = norm(network.reader(norm), name, channels, bias);
    } else if (bias != null) {
      graph.weight(name + ".bias", Shape.of(channels), bias);
    }
    String normName = norm == null ? null : name + ".norm";
    boolean biased = norm == null && bias != null;
    Activated activated = network.activated(output);
    if (groups == in && channels == in) {
      graph.weight(name + ".weight", Shape.of(k, k, in), turned(values, channels, 1, k * k));
      Operation depthwise =
          new Operation.Depthwise(name, normName, biased, window, activated.activation());
      network.put(activated.output(), Value.of(graph.add(depthwise, x.index())));
      return;
    }
    int part = in / (int) groups;
    graph.weight(
        name + ".weight", Shape.of(k, k, part, channels), turned(values, channels, part, k * k));
    Operation convolution =
        new Operation.Convolution(
            name, normName, biased, channels, window, (int) groups, activated.activation());
    add(convolution, x, activated.output());
  }

  /** A sum that alone reads the convolution and whose other part is known becomes part of it. */
  private void add(Operation convolution, Value x, String output) {
    Shape shape = convolution.output("conv", List.of(network.shape(x)));
    NodeProto sum = network.onlyReader(output);
    if (sum != null && sum.operator().equals("Add") && sum.inputs().size() == 2) {
      String other = sum.inputs().get(sum.inputs().getFirst().equals(output) ? 1 : 0);
      Value residual = network.known(other);
      if (residual != null && !other.equals(output) && network.shape(residual).equals(shape)) {
        network.take(sum);
        network.put(
            network.reader(sum).output(),
            Value.of(graph.add(convolution, x.index(), residual.index())));
        return;
      }
    }
    network.put(output, Value.of(graph.add(convolution, x.index())));
  }

  private @Nullable NodeProto following(String operator) {
    NodeProto next = network.onlyReader(node.output());
    return next != null
            && next.operator().equals(operator)
            && !next.inputs().isEmpty()
            && next.inputs().getFirst().equals(node.output())
        ? next
        : null;
  }

  /** Keeps a batch norm's numbers; a bias before it moves its mean. Returns its output. */
  private String norm(NodeReader norm, String name, int channels, float @Nullable [] bias) {
    if (norm.whole("training_mode", 0) != 0) {
      throw norm.error("is in training mode");
    }
    float[] mean = norm.floats(3, channels).clone();
    float[] variance = norm.floats(4, channels).clone();
    for (int c = 0; c < channels && bias != null; c++) {
      mean[c] -= bias[c];
    }
    double difference = network.epsilonOf(norm);
    for (int c = 0; c < channels && difference != 0; c++) {
      variance[c] = (float) Math.max(0, variance[c] + difference);
    }
    Shape shape = Shape.of(channels);
    graph.weight(name + ".norm.gamma", shape, norm.floats(1, channels));
    graph.weight(name + ".norm.beta", shape, norm.floats(2, channels));
    graph.weight(name + ".norm.mean", shape, mean);
    graph.weight(name + ".norm.variance", shape, variance);
    return norm.output();
  }

  /** A batch norm that follows no convolution: a depthwise convolution of one tap. */
  void readNorm() {
    Value x = network.value(node, 0);
    if (network.shape(x).rank() != 4) {
      throw node.error("of a vector is not supported");
    }
    int channels = network.shape(x).channels();
    String name = graph.nextName();
    float[] ones = new float[channels];
    Arrays.fill(ones, 1);
    graph.weight(name + ".weight", Shape.of(1, 1, channels), ones);
    Activated activated = network.activated(norm(node, name, channels, null));
    Operation depthwise =
        new Operation.Depthwise(
            name, name + ".norm", false, Window.POINTWISE, activated.activation());
    network.put(activated.output(), Value.of(graph.add(depthwise, x.index())));
  }

  /** A convolution of one pixel. */
  private void linear(
      Value x, int k, int groups, float[] values, float @Nullable [] bias, int out) {
    if (!x.pixel() || k != 1 || groups != 1) {
      throw node.error("is not supported on a vector");
    }
    String name = graph.nextName();
    int in = network.shape(x).channels();
    graph.weight(name + ".weight", Shape.of(in, out), turned(values, out, in, 1));
    graph.weight(name + ".bias", Shape.of(out), bias == null ? new float[out] : bias);
    Activated activated = network.activated(node.output());
    Operation linear = new Operation.Linear(name, out, activated.activation());
    network.put(activated.output(), Value.pixel(graph.add(linear, x.index())));
  }

  // ---- windows

  /** What every side is padded by, or below 0 where sides differ. */
  private int padding;

  private int[] pads = new int[4];

  private Window window(int k, Shape x) {
    int stride = node.square("strides", 1);
    int dilation = node.square("dilations", 1);
    int[] kernel = node.wholes("kernel_shape");
    if (kernel != null && !Arrays.equals(kernel, new int[] {k, k})) {
      throw node.error("its kernel_shape %s is not that of its kernel", Arrays.toString(kernel));
    }
    pads = Pads.of(node, x, k, stride, dilation);
    padding = Pads.isEven(pads) ? pads[0] : -1;
    return new Window(k, stride, Math.max(padding, 0), dilation);
  }

  private Value padded(Value x, Window window) {
    if (padding >= 0) {
      return x;
    }
    GraphKernel pad = new GraphKernel.Pad(pads[0], pads[1], pads[2], pads[3], 0);
    return Value.of(graph.add(new Operation.Custom(pad), x.index()));
  }

  /** {@code [a, b, c]} as {@code [c, b, a]}. */
  static float[] turned(float[] values, int a, int b, int c) {
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
