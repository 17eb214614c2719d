package dev.sextant.onnx.read;

import dev.sextant.runtime.Weights;
import dev.sextant.runtime.dag.GraphLayer;
import dev.sextant.runtime.dag.GraphNode;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The operations of a network in the order in which they run, with their weights, as {@link
 * GraphLayer} has them: value 0 is the image, value i what operation i gives.
 */
final class ImportGraph {
  private static final int MOST_FEATURES = 1 << 20;

  private final List<GraphNode> nodes = new ArrayList<>();
  private final List<Shape> shapes = new ArrayList<>();
  private final Map<String, Weights.Entry> weights = new LinkedHashMap<>();

  ImportGraph(Shape input) {
    shapes.add(input);
  }

  /** What the weights of the next operation start with. */
  String nextName() {
    return GraphNode.name(nodes.size() + 1);
  }

  /** Adds an operation; returns its output. */
  int add(Operation operation, int... from) {
    if (nodes.size() == GraphLayer.MAX_NODES) {
      throw new SextantException("more than " + GraphLayer.MAX_NODES + " operations");
    }
    List<Integer> inputs = Arrays.stream(from).boxed().toList();
    Shape shape = operation.output("graph", inputs.stream().map(shapes::get).toList());
    // Constants for each channel are made here: what takes few bytes to say must not take many.
    if (shape.channels() > (shape.rank() == 4 ? Layer.MAX_WIDTH : MOST_FEATURES)) {
      throw new SextantException("gives " + shape + ", which is too wide");
    }
    shapes.add(shape);
    nodes.add(new GraphNode(operation, inputs));
    return nodes.size();
  }

  /** Keeps a weight under its full name. */
  void weight(String name, Shape shape, float[] values) {
    weights.put(name, new Weights.Entry(shape, values));
  }

  List<GraphNode> nodes() {
    return nodes;
  }

  Map<String, Weights.Entry> weights() {
    return weights;
  }

  Shape shape(int value) {
    return shapes.get(value);
  }
}
