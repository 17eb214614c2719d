package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.read.GraphImport.Activated;
import dev.sextant.onnx.read.GraphImport.Value;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.List;

/** Fully connected layers. */
final class LinearImport {
  private final GraphImport network;
  private final NodeReader node;
  private final ImportGraph graph;

  LinearImport(GraphImport network, NodeReader node) {
    this.network = network;
    this.node = node;
    graph = network.graph();
  }

  void read() {
    boolean gemm = node.node().operator().equals("Gemm");
    if (node.whole("transA", 0) != 0 || node.real("alpha", 1) != 1 || node.real("beta", 1) != 1) {
      throw node.error("is supported without transA, alpha and beta");
    }
    Value x = network.value(node, 0);
    TensorProto weight = node.constant(1);
    List<Long> extents = weight.extents();
    boolean turned = node.whole("transB", 0) != 0;
    if (network.shape(x).rank() != 2 || x.pixel() || extents.size() != 2) {
      throw node.error("is supported on vectors with a matrix of weights");
    }
    int in = network.shape(x).channels();
    long out = extents.get(turned ? 0 : 1);
    if (extents.get(turned ? 1 : 0) != in || out < 1 || out > Layer.MAX_WIDTH) {
      throw node.error("its weights %s do not fit %d features", extents, in);
    }
    int features = (int) out;
    float[] values = weight.toFloats();
    if (turned) {
      values = ConvolutionImport.turned(values, features, in, 1);
    }
    Shape image = x.image();
    if (image != null) {
      values = channelsLast(values, image, features);
    }
    float[] bias = new float[features];
    String output = node.output();
    if (gemm && node.hasInput(2)) {
      bias = bias(node, 2, features);
    }
    NodeProto sum = gemm ? null : network.onlyReader(output);
    if (sum != null && sum.operator().equals("Add") && sum.inputs().size() == 2) {
      int other = sum.inputs().getFirst().equals(output) ? 1 : 0;
      if (network.isConstant(sum.inputs().get(other))) {
        NodeReader reader = network.reader(sum);
        bias = bias(reader, other, features);
        output = reader.output();
        network.take(sum);
      }
    }
    String name = graph.nextName();
    graph.weight(name + ".weight", Shape.of(in, features), values);
    graph.weight(name + ".bias", Shape.of(features), bias);
    Activated activated = network.activated(output);
    Operation linear = new Operation.Linear(name, features, activated.activation());
    network.put(activated.output(), Value.of(graph.add(linear, x.index())));
  }

  /** One number for each feature, or one for all. */
  private static float[] bias(NodeReader node, int input, int features) {
    float[] bias = node.constant(input).toFloats();
    if (bias.length == 1) {
      float[] all = new float[features];
      java.util.Arrays.fill(all, bias[0]);
      return all;
    }
    return node.floats(input, features);
  }

  /** Rows of weights in the order of channels before pixels, as those of pixels before channels. */
  private static float[] channelsLast(float[] values, Shape image, int features) {
    int channels = image.channels();
    int pixels = image.get(1) * image.get(2);
    float[] ordered = new float[values.length];
    for (int c = 0; c < channels; c++) {
      for (int p = 0; p < pixels; p++) {
        System.arraycopy(
            values, (c * pixels + p) * features, ordered, (p * channels + c) * features, features);
      }
    }
    return ordered;
  }
}
