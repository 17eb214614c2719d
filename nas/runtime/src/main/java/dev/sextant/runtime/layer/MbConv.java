package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Inverted residual (MobileNetV2): 1x1 expansion, batch norm, activation (both absent where expand
 * is 1); depthwise, batch norm, activation; [squeeze and excitation]; 1x1 projection, batch norm
 * (linear); [plus the input]. The convolutions have no bias; the two pointwise ones inside squeeze
 * and excitation do.
 *
 * <p>Squeeze and excitation is x gate(W2 act(W1 mean(x))): ReLU and sigmoid where nothing else is
 * said, ReLU and hard sigmoid in MobileNetV3, SiLU and sigmoid in EfficientNet.
 *
 * <p>Weights: {@code expand.weight [1, 1, in, mid]} and {@code expand_norm.*} (absent where expand
 * is 1), {@code depthwise.weight [k, k, mid]}, {@code depthwise_norm.*}, with squeeze and
 * excitation {@code squeeze.reduce.weight [mid, hidden]}, {@code squeeze.reduce.bias}, {@code
 * squeeze.expand.weight [hidden, mid]}, {@code squeeze.expand.bias}; {@code project.weight [1, 1,
 * mid, out]}, {@code project_norm.*}.
 *
 * @param kernel odd, 1 to 15, of the depthwise convolution
 * @param stride 1 to 4, of the depthwise convolution
 * @param expand ratio of the expanded width to the input width, 1 to 16
 * @param out output channels
 * @param activation after the expansion and after the depthwise convolution
 * @param squeezeExcite ratio of squeeze-and-excitation's hidden width to the expanded width where
 *     at most 1, made divisible by 8; a whole number above 1 is the hidden width itself; 0 for none
 * @param squeezeActivation between the two pointwise convolutions of squeeze and excitation
 * @param gate behind them, times which the image goes on
 * @param residual whether the input is added to the output: needs stride 1 and equal widths
 */
public record MbConv(
    int kernel,
    int stride,
    int expand,
    int out,
    Activation activation,
    double squeezeExcite,
    Activation squeezeActivation,
    Activation gate,
    boolean residual)
    implements Layer {
  private static final Field<MbConv, Integer> KERNEL = Field.kernel(MbConv::kernel);
  private static final Field<MbConv, Integer> EXPAND =
      Field.of("expand", FieldKind.integer(1, 16), MbConv::expand).marked("e%s");
  private static final Field<MbConv, Integer> STRIDE = Field.stride(MbConv::stride);
  private static final Field<MbConv, Integer> OUT = Field.out(MbConv::out);
  private static final Field<MbConv, Activation> ACTIVATION =
      Field.activation(MbConv::activation, Activation.RELU6).written();
  private static final Field<MbConv, Double> SQUEEZE_EXCITE =
      Field.of("squeeze-excite", FieldKind.number(0, Layer.MAX_WIDTH), MbConv::squeezeExcite)
          .otherwise(0.0)
          .marked("se%s")
          .describedAs(
              "Hidden width of squeeze and excitation over the expanded width, or above 1 that"
                  + " width itself; 0 for none.");
  private static final Field<MbConv, Activation> SQUEEZE_ACTIVATION =
      Field.activation("squeeze-act", MbConv::squeezeActivation, Activation.RELU).marked("%s");
  private static final Field<MbConv, Activation> GATE =
      Field.activation("gate", MbConv::gate, Activation.SIGMOID).marked("%s");
  private static final Field<MbConv, Boolean> RESIDUAL =
      Field.of(Field.RESIDUAL, FieldKind.flag(), MbConv::residual)
          .otherwise(MbConv::residualFits)
          .under((values, given) -> given && !residualFits(values) ? misfit(values) : null)
          .describedAs("Default: true where stride is 1 and the widths are equal.");

  /** {@code "mbconv"}. */
  public static final LayerType<MbConv> TYPE =
      LayerType.of(
          "mbconv",
          MbConv.class,
          List.of(
              KERNEL,
              EXPAND,
              STRIDE,
              OUT,
              ACTIVATION,
              SQUEEZE_EXCITE,
              SQUEEZE_ACTIVATION,
              GATE,
              RESIDUAL),
          values ->
              new MbConv(
                  values.get(KERNEL),
                  values.get(STRIDE),
                  values.get(EXPAND),
                  values.get(OUT),
                  values.get(ACTIVATION),
                  values.get(SQUEEZE_EXCITE),
                  values.get(SQUEEZE_ACTIVATION),
                  values.get(GATE),
                  values.get(RESIDUAL)));

  /**
   * A block whose squeeze and excitation, if any, has a ReLU and a sigmoid.
   *
   * @param kernel odd, 1 to 15, of the depthwise convolution
   * @param stride 1 to 4, of the depthwise convolution
   * @param expand ratio of the expanded width to the input width, 1 to 16
   * @param out output channels
   * @param activation after the expansion and after the depthwise convolution
   * @param squeezeExcite ratio of the hidden width, or the width, of squeeze and excitation; 0 for
   *     none
   * @param residual whether the input is added to the output
   */
  public MbConv(
      int kernel,
      int stride,
      int expand,
      int out,
      Activation activation,
      double squeezeExcite,
      boolean residual) {
    this(
        kernel,
        stride,
        expand,
        out,
        activation,
        squeezeExcite,
        Activation.RELU,
        Activation.SIGMOID,
        residual);
  }

  /** Checks the ranges. */
  public MbConv {
    KERNEL.check("mbconv", kernel);
    STRIDE.check("mbconv", stride);
    OUT.check("mbconv", out);
    EXPAND.check("mbconv", expand);
    SQUEEZE_EXCITE.check("mbconv", squeezeExcite);
    if (squeezeExcite > 1 && squeezeExcite != Math.rint(squeezeExcite)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "mbconv: squeeze-excite %s is above 1 and so a width, but not whole",
              squeezeExcite));
    }
  }

  /**
   * {@return the same block with another kernel and expansion}
   *
   * @param otherKernel of the depthwise convolution
   * @param otherExpand ratio of the expanded width to the input width
   */
  public MbConv sized(int otherKernel, int otherExpand) {
    return new MbConv(
        otherKernel,
        stride,
        otherExpand,
        out,
        activation,
        squeezeExcite,
        squeezeActivation,
        gate,
        residual);
  }

  /**
   * {@return the same block with the squeeze and excitation of another}
   *
   * @param other whose hidden width and activations it takes
   */
  public MbConv squeezedAs(MbConv other) {
    return new MbConv(
        kernel,
        stride,
        expand,
        out,
        activation,
        other.squeezeExcite,
        other.squeezeActivation,
        other.gate,
        residual);
  }

  /** {@return the window of the depthwise convolution} */
  public Window window() {
    return Window.same(kernel, stride);
  }

  /**
   * {@return the channels between the expansion and the projection, for that many input channels}
   *
   * @param channels input channels
   */
  public int expanded(int channels) {
    return Math.multiplyExact(channels, expand);
  }

  /**
   * {@return the hidden channels of squeeze and excitation, or 0 where there is none}
   *
   * @param channels input channels
   */
  public int squeezed(int channels) {
    return squeezeExcite > 1
        ? (int) squeezeExcite
        : squeezeExcite == 0 ? 0 : makeDivisible(expanded(channels) * squeezeExcite);
  }

  /**
   * {@return the width rounded to the nearest multiple of 8, at least 8, and never more than 10 %
   * below the width asked for: {@code make_divisible} of the published MobileNet and ProxylessNAS
   * code}
   *
   * @param width number of channels, above 0
   */
  public static int makeDivisible(double width) {
    int rounded = Math.max(8, (int) (width + 4) / 8 * 8);
    return rounded < 0.9 * width ? rounded + 8 : rounded;
  }

  /**
   * {@return whether the identity fits around the block: what {@code residual} is where not given}
   *
   * @param stride step in pixels
   * @param in input channels
   * @param out output channels
   */
  public static boolean residualFits(int stride, int in, int out) {
    return stride == 1 && in == out;
  }

  private static boolean residualFits(FieldValues<MbConv> values) {
    return residualFits(values.get(STRIDE), values.input().channels(), values.get(OUT));
  }

  private static String misfit(FieldValues<MbConv> values) {
    return misfit(values.get(STRIDE), values.input().channels(), values.get(OUT));
  }

  private static String misfit(int stride, int in, int out) {
    return String.format(
        Locale.ROOT,
        "needs stride 1 and equal widths (stride %d, %d to %d channels)",
        stride,
        in,
        out);
  }

  @Override
  public LayerType<MbConv> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    int in = x.shape().channels();
    if (residual && !residualFits(stride, in, out)) {
      throw new SextantException("mbconv: a residual " + misfit(stride, in, out));
    }
    Graph.Value mid = x;
    if (expand > 1) {
      mid = graph.pointwise(x, "expand", "expand_norm", expanded(in), activation);
    }
    mid = graph.depthwise(mid, "depthwise", "depthwise_norm", window(), activation);
    if (squeezeExcite > 0) {
      mid = graph.squeezeExcite(mid, "squeeze", squeezed(in), squeezeActivation, gate);
    }
    Graph.@Nullable Value added = residual ? x : null;
    return graph.project(mid, "project", "project_norm", out, added);
  }
}
