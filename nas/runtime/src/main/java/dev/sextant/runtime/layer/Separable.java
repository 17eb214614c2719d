package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * Separable convolution: depthwise, batch norm, activation, pointwise, batch norm (linear). The op
 * {@code "dilated"} is the same with dilation 2.
 *
 * <p>Weights: {@code depthwise.weight [k, k, C]}, {@code depthwise_norm.*}, {@code pointwise.weight
 * [1, 1, C, out]}, {@code pointwise_norm.*}.
 *
 * @param kernel odd, 1 to 15
 * @param stride 1 to 4, of the depthwise convolution
 * @param dilation 1 to 8, of the depthwise convolution
 * @param out output channels
 * @param activation between the two convolutions
 */
public record Separable(int kernel, int stride, int dilation, int out, Activation activation)
    implements Layer {
  private static final Field<Separable, Integer> KERNEL = Field.kernel(Separable::kernel);
  private static final Field<Separable, Integer> STRIDE = Field.stride(Separable::stride);
  private static final Field<Separable, Integer> DILATION = Field.dilation(Separable::dilation);
  private static final Field<Separable, Integer> OUT = Field.out(Separable::out);
  private static final Field<Separable, Activation> ACTIVATION =
      Field.activation(Separable::activation, Activation.RELU6).written();

  /** {@code "separable"}. */
  public static final LayerType<Separable> TYPE =
      LayerType.of(
          "separable",
          Separable.class,
          List.of(KERNEL, STRIDE, DILATION, OUT, ACTIVATION),
          values -> of(values, values.get(DILATION)));

  /** {@code "dilated"}, which is written as {@code "separable"}. */
  public static final LayerType<Separable> DILATED =
      LayerType.of(
          "dilated",
          Separable.class,
          List.of(KERNEL, STRIDE, OUT, ACTIVATION),
          values -> of(values, 2));

  private static Separable of(FieldValues<Separable> values, int dilation) {
    return new Separable(
        values.get(KERNEL), values.get(STRIDE), dilation, values.get(OUT), values.get(ACTIVATION));
  }

  /** Checks the ranges. */
  public Separable {
    KERNEL.check("separable", kernel);
    STRIDE.check("separable", stride);
    DILATION.check("separable", dilation);
    OUT.check("separable", out);
  }

  /** {@return the window of the depthwise convolution} */
  public Window window() {
    return Window.same(kernel, stride, dilation);
  }

  @Override
  public LayerType<Separable> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    Graph.Value mid = graph.depthwise(x, "depthwise", "depthwise_norm", window(), activation);
    return graph.pointwise(mid, "pointwise", "pointwise_norm", out, Activation.IDENTITY);
  }
}
