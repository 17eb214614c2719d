package dev.sextant.onnx.quantize;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerType;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A layer with its batch norms folded into biases, each of whose values passes through a kernel.
 *
 * @param layer the layer
 * @param name what its values' names start with
 * @param taps the kernels
 */
record TappedLayer(Layer layer, String name, Taps taps) implements CustomLayer {
  private static final LayerType<TappedLayer> TYPE =
      LayerType.of(
          "tapped",
          TappedLayer.class,
          List.of(),
          _ -> {
            throw new SextantException("tapped: cannot be read");
          });

  /** A value alone that passes through a kernel. */
  static TappedLayer value(String name, Taps taps) {
    return new TappedLayer(new Skip(), name, taps);
  }

  @Override
  public LayerType<TappedLayer> type() {
    return TYPE;
  }

  @Override
  public Graph operations(Shape input) {
    Graph own = layer.operations(input);
    List<Shape> inputs = own.inputs();
    return inputs.size() == 2
        ? Graph.ofTwo(
            "tapped", inputs.get(0), inputs.get(1), (graph, a, b) -> copy(graph, own, a, b))
        : Graph.of("tapped", input, (graph, x) -> copy(graph, own, x));
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return copy(graph, layer.operations(x.shape()), x);
  }

  private Graph.Value copy(Graph graph, Graph own, Graph.Value... inputs) {
    if (own.nodes().isEmpty()) {
      return layer instanceof Skip ? tapped(graph, name, inputs[0]) : inputs[inputs.length - 1];
    }
    List<Graph.Value> values = new ArrayList<>(List.of(inputs));
    for (int i = 0; i < own.nodes().size(); i++) {
      Graph.Node node = own.nodes().get(i);
      List<Graph.Value> read =
          node.inputs().stream().map(value -> values.get(value.index())).toList();
      String value = Simulation.value(name, i);
      Graph.Value y;
      if (node.operation() instanceof Operation.Convolution && read.size() == 2) {
        Graph.Value part = graph.add(biased(node.operation()), read.getFirst());
        y = graph.sum(tapped(graph, Simulation.part(name, i), part), read.get(1));
      } else {
        y = graph.add(biased(node.operation()), read.toArray(Graph.Value[]::new));
      }
      values.add(tapped(graph, value, y));
    }
    return values.get(own.output().index());
  }

  private Graph.Value tapped(Graph graph, String value, Graph.Value x) {
    return graph.add(new Operation.Custom(taps.at(value)), x);
  }

  /** The same with a bias in the place of a batch norm. */
  static Operation biased(Operation operation) {
    return switch (operation) {
      case Operation.Convolution(
              String weight,
              _,
              _,
              int out,
              var window,
              int groups,
              var activation) ->
          new Operation.Convolution(weight, null, true, out, window, groups, activation);
      case Operation.Depthwise(String weight, _, _, var window, var activation) ->
          new Operation.Depthwise(weight, null, true, window, activation);
      default -> operation;
    };
  }
}
