package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * Dense or grouped convolution, [batch norm], activation. It has a bias where it has no batch norm.
 *
 * <p>Weights: {@code convolution.weight [k, k, in / groups, out]} and {@code norm.*}, or without
 * batch norm {@code weight} and {@code bias}.
 *
 * @param kernel odd, 1 to 15
 * @param stride 1 to 4
 * @param dilation 1 to 8
 * @param groups parts of the input's and of the output's channels, each output reading its own
 *     part; 1 for a dense convolution
 * @param out output channels
 * @param batchNorm whether batch norm follows the convolution
 * @param activation what comes last
 */
public record Conv(
    int kernel,
    int stride,
    int dilation,
    int groups,
    int out,
    boolean batchNorm,
    Activation activation)
    implements Layer {
  private static final Field<Conv, Integer> KERNEL = Field.kernel(Conv::kernel);
  private static final Field<Conv, Integer> STRIDE = Field.stride(Conv::stride);
  private static final Field<Conv, Integer> DILATION = Field.dilation(Conv::dilation);
  private static final Field<Conv, Integer> GROUPS =
      Field.of("groups", Field.WIDTHS, Conv::groups)
          .otherwise(1)
          .marked("g%s")
          .describedAs("Parts of the channels, each output reading its own part.");
  private static final Field<Conv, Integer> OUT = Field.out(Conv::out);
  private static final Field<Conv, Boolean> NORM = Field.batchNorm(Conv::batchNorm);
  private static final Field<Conv, Activation> ACTIVATION =
      Field.activation(Conv::activation, Activation.RELU6).written();

  /** {@code "conv"}. */
  public static final LayerType<Conv> TYPE =
      LayerType.of(
          "conv",
          Conv.class,
          List.of(KERNEL, STRIDE, DILATION, GROUPS, OUT, NORM, ACTIVATION),
          values ->
              new Conv(
                  values.get(KERNEL),
                  values.get(STRIDE),
                  values.get(DILATION),
                  values.get(GROUPS),
                  values.get(OUT),
                  values.get(NORM),
                  values.get(ACTIVATION)));

  /**
   * A dense convolution.
   *
   * @param kernel odd extent of the window in pixels
   * @param stride step in pixels
   * @param dilation distance between taps in pixels
   * @param out output channels
   * @param batchNorm whether a batch norm follows, or else a bias
   * @param activation what comes last
   */
  public Conv(
      int kernel, int stride, int dilation, int out, boolean batchNorm, Activation activation) {
    this(kernel, stride, dilation, 1, out, batchNorm, activation);
  }

  /** Checks the ranges. */
  public Conv {
    KERNEL.check("conv", kernel);
    STRIDE.check("conv", stride);
    DILATION.check("conv", dilation);
    GROUPS.check("conv", groups);
    OUT.check("conv", out);
  }

  /** {@return the window of the convolution} */
  public Window window() {
    return Window.same(kernel, stride, dilation);
  }

  @Override
  public LayerType<Conv> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return graph.add(
        new Operation.Convolution(
            batchNorm ? "convolution" : "",
            batchNorm ? "norm" : null,
            !batchNorm,
            out,
            window(),
            groups,
            activation),
        x);
  }
}
