package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.read.GraphImport.Value;
import dev.sextant.runtime.dag.GraphKernel;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Arrays;

/** Sums, products, gates, and constants added to channels or multiplied with them. */
final class ArithmeticImport {
  private final GraphImport network;
  private final NodeReader node;
  private final ImportGraph graph;

  ArithmeticImport(GraphImport network, NodeReader node) {
    this.network = network;
    this.node = node;
    graph = network.graph();
  }

  void read() {
    boolean first = network.isConstant(node.input(0));
    boolean second = network.isConstant(node.input(1));
    String operator = node.node().operator();
    if (second || (first && (operator.equals("Mul") || operator.equals("Add")))) {
      affine(network.value(node, second ? 0 : 1), second ? 1 : 0);
      return;
    }
    Value a = network.value(node, 0);
    Value b = network.value(node, 1);
    boolean same = network.shape(a).equals(network.shape(b)) && a.pixel() == b.pixel();
    if (operator.equals("Add") && same) {
      network.put(node, GraphImport.with(a, graph.add(new Operation.Add(), a.index(), b.index())));
    } else if (operator.equals("Mul") && same) {
      Operation product = new Operation.Custom(new GraphKernel.Multiply());
      network.put(node, GraphImport.with(a, graph.add(product, a.index(), b.index())));
    } else if (operator.equals("Mul") && (isGate(a, b) || isGate(b, a))) {
      Value image = isGate(a, b) ? a : b;
      Value gate = image == a ? b : a;
      network.put(
          node, Value.of(graph.add(new Operation.ScaleChannels(), image.index(), gate.index())));
    } else {
      throw node.error("of %s and %s is not supported", network.shape(a), network.shape(b));
    }
  }

  private boolean isGate(Value image, Value gate) {
    Shape of = network.shape(image);
    return gate.pixel() && of.rank() == 4 && network.shape(gate).channels() == of.channels();
  }

  /** A constant for each channel: a depthwise convolution of one tap. */
  private void affine(Value x, int constant) {
    Shape shape = network.shape(x);
    TensorProto tensor = node.constant(constant);
    float[] given = tensor.toFloats();
    int channels = shape.channels();
    boolean each =
        given.length == channels
            && tensor.extents().size() >= 3
            && tensor.extents().get(tensor.extents().size() - 3) == channels;
    if (shape.rank() != 4 || (given.length != 1 && !each)) {
      throw node.error(
          "with a constant of shape %s is supported for images, by channel", tensor.extents());
    }
    float[] weight = new float[channels];
    float[] bias = new float[channels];
    Arrays.fill(weight, 1);
    for (int c = 0; c < channels; c++) {
      float value = given[given.length == 1 ? 0 : c];
      switch (node.node().operator()) {
        case "Mul" -> weight[c] = value;
        case "Div" -> weight[c] = 1 / value;
        case "Add" -> bias[c] = value;
        default -> bias[c] = -value;
      }
    }
    String name = graph.nextName();
    graph.weight(name + ".weight", Shape.of(1, 1, channels), weight);
    graph.weight(name + ".bias", Shape.of(channels), bias);
    Operation depthwise =
        new Operation.Depthwise(name, null, true, Window.POINTWISE, Activation.IDENTITY);
    network.put(node, Value.of(graph.add(depthwise, x.index())));
  }
}
