package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * Depthwise convolution, [batch norm], activation. It has a bias where it has no batch norm.
 *
 * <p>Weights: {@code convolution.weight [k, k, C]} and {@code norm.*}, or without batch norm {@code
 * weight} and {@code bias}.
 *
 * @param kernel odd, 1 to 15
 * @param stride 1 to 4
 * @param dilation 1 to 8
 * @param batchNorm whether batch norm follows the convolution
 * @param activation what comes last
 */
public record Depthwise(
    int kernel, int stride, int dilation, boolean batchNorm, Activation activation)
    implements Layer {
  private static final Field<Depthwise, Integer> KERNEL = Field.kernel(Depthwise::kernel);
  private static final Field<Depthwise, Integer> STRIDE = Field.stride(Depthwise::stride);
  private static final Field<Depthwise, Integer> DILATION = Field.dilation(Depthwise::dilation);
  private static final Field<Depthwise, Boolean> NORM = Field.batchNorm(Depthwise::batchNorm);
  private static final Field<Depthwise, Activation> ACTIVATION =
      Field.activation(Depthwise::activation, Activation.RELU6).written();

  /** {@code "depthwise"}. */
  public static final LayerType<Depthwise> TYPE =
      LayerType.of(
          "depthwise",
          Depthwise.class,
          List.of(KERNEL, STRIDE, DILATION, NORM, ACTIVATION),
          values ->
              new Depthwise(
                  values.get(KERNEL),
                  values.get(STRIDE),
                  values.get(DILATION),
                  values.get(NORM),
                  values.get(ACTIVATION)));

  /** Checks the ranges. */
  public Depthwise {
    KERNEL.check("depthwise", kernel);
    STRIDE.check("depthwise", stride);
    DILATION.check("depthwise", dilation);
  }

  /** {@return the window of the convolution} */
  public Window window() {
    return Window.same(kernel, stride, dilation);
  }

  @Override
  public LayerType<Depthwise> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return graph.add(
        new Operation.Depthwise(
            batchNorm ? "convolution" : "",
            batchNorm ? "norm" : null,
            !batchNorm,
            window(),
            activation),
        x);
  }
}
