package dev.example.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.LayerType;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * A convolution, batch norm, squared ReLU: {@code {"op": "conv-squared-relu", "kernel": 3, "out":
 * 16}}.
 */
record SquaredReluLayer(int kernel, int stride, int out) implements CustomLayer {
  private static final Field<SquaredReluLayer, Integer> KERNEL =
      Field.kernel(SquaredReluLayer::kernel);
  private static final Field<SquaredReluLayer, Integer> STRIDE =
      Field.stride(SquaredReluLayer::stride);
  private static final Field<SquaredReluLayer, Integer> OUT = Field.out(SquaredReluLayer::out);

  static final LayerType<SquaredReluLayer> TYPE =
      LayerType.of(
          "conv-squared-relu",
          SquaredReluLayer.class,
          List.of(KERNEL, STRIDE, OUT),
          values -> new SquaredReluLayer(values.get(KERNEL), values.get(STRIDE), values.get(OUT)));

  @Override
  public LayerType<SquaredReluLayer> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    Graph.Value y =
        graph.convolution(x, "conv", "norm", out, Window.same(kernel, stride), Activation.IDENTITY);
    return graph.add(new Operation.Custom(new SquaredRelu()), y);
  }
}
