package dev.sextant.runtime;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * One layer of a network, its strides and widths decided: one JSON object with {@code "op"}.
 *
 * <p>Images are {@code [N, H, W, C]}. Windows are square with an odd kernel and padded by half
 * their span, so that stride 1 keeps the size and stride s gives ceil(H / s).
 *
 * <p>Counting conventions are those of the papers' tables: multiply-adds of convolution and linear
 * weights only (batch norm, bias, activation, pooling and addition count 0); parameters are all
 * trained scalars, batch norm's gamma and beta and the linear bias included.
 *
 * <p>Immutable. The constructors throw {@link SextantException} for a number out of range.
 */
public sealed interface Layer
    permits Layer.Conv,
        Layer.Depthwise,
        Layer.Separable,
        Layer.MbConv,
        Layer.Pool,
        Layer.Skip,
        Layer.Zero,
        Layer.GlobalAvgPool,
        Layer.Linear,
        Layer.Junction,
        Cell {
  /** Largest kernel of any layer. */
  int MAX_KERNEL = 15;

  /** Largest stride of any layer. */
  int MAX_STRIDE = 4;

  /** Largest dilation of any layer. */
  int MAX_DILATION = 8;

  /** Largest expansion of an {@link MbConv}. */
  int MAX_EXPAND = 16;

  /** Largest width of any layer. */
  int MAX_WIDTH = 65_536;

  /**
   * The shape of the output for an input {@code [N, H, W, C]}, or {@code [N, C]} for {@link
   * Linear}. A {@link Cell} has two inputs; this is the newer one.
   *
   * @throws SextantException if this layer cannot take the input, or an intermediate image of the
   *     layer has more elements than one tensor can hold
   */
  Shape output(Shape input);

  /** Trained scalars of this layer on that input, if any; throws as {@link #output} does. */
  default long parameters(Shape input) {
    output(input);
    return 0;
  }

  /** Multiply-adds, if any, for the whole batch of that input; throws as {@link #output}. */
  default long macs(Shape input) {
    output(input);
    return 0;
  }

  /** Step of the layer's window; 1 where it has none. */
  default int stride() {
    return 1;
  }

  /** The layer in a few words, without its width, as in {@code mbconv 5x5 e6 s2}. */
  default String label() {
    return switch (this) {
      case Conv conv -> words("conv", conv.kernel, conv.stride, conv.dilation);
      case Depthwise depthwise ->
          words("depthwise", depthwise.kernel, depthwise.stride, depthwise.dilation);
      case Separable separable ->
          words("separable", separable.kernel, separable.stride, separable.dilation);
      case MbConv mbConv -> {
        String label = "mbconv %dx%d e%d".formatted(mbConv.kernel, mbConv.kernel, mbConv.expand);
        if (mbConv.squeezeExcite > 0) {
          label += String.format(Locale.ROOT, " se%s", mbConv.squeezeExcite);
        }
        yield mbConv.stride > 1 ? label + " s" + mbConv.stride : label;
      }
      case Pool pool -> words(pool.max ? "max-pool" : "avg-pool", pool.kernel, pool.stride, 1);
      case Skip _ -> "skip";
      case Zero _ -> "zero";
      case GlobalAvgPool _ -> "global-avg-pool";
      case Linear _ -> "linear";
      case Junction junction -> junction.kind.word();
      case Cell cell ->
          "cell w%d".formatted(cell.width()) + (cell.stride() > 1 ? " s" + cell.stride() : "");
    };
  }

  /** Whether it computes nothing, wherever it stands. */
  default boolean isFree() {
    return switch (this) {
      case Skip _, Zero _ -> true;
      case Junction junction -> junction.kind != Junction.Kind.SUM;
      case Conv _, Depthwise _, Separable _, MbConv _, Pool _, GlobalAvgPool _, Linear _, Cell _ ->
          false;
    };
  }

  private static String words(String op, int kernel, int stride, int dilation) {
    String label = "%s %dx%d".formatted(op, kernel, kernel);
    if (dilation > 1) {
      label += " d" + dilation;
    }
    return stride > 1 ? label + " s" + stride : label;
  }

  /**
   * Dense convolution, [batch norm], activation. It has a bias where it has no batch norm.
   *
   * @param kernel odd, 1 to 15
   * @param stride 1 to 4
   * @param dilation 1 to 8
   * @param out output channels
   * @param batchNorm whether batch norm follows the convolution
   * @param activation what comes last
   */
  record Conv(
      int kernel, int stride, int dilation, int out, boolean batchNorm, Activation activation)
      implements Layer {
    /** Checks the ranges. */
    public Conv {
      Layer.window("conv", kernel, stride, dilation);
      Layer.width("conv", out);
    }

    /** The window of the convolution. */
    public Window window() {
      return Window.same(kernel, stride, dilation);
    }

    @Override
    public Shape output(Shape input) {
      return window().output(Layer.image("conv", input), out);
    }

    @Override
    public long parameters(Shape input) {
      Layer.image("conv", input);
      return (long) kernel * kernel * input.channels() * out + (batchNorm ? 2L * out : out);
    }

    @Override
    public long macs(Shape input) {
      return (long) kernel * kernel * input.channels() * output(input).size();
    }
  }

  /**
   * Depthwise convolution, [batch norm], activation. It has a bias where it has no batch norm.
   *
   * @param kernel odd, 1 to 15
   * @param stride 1 to 4
   * @param dilation 1 to 8
   * @param batchNorm whether batch norm follows the convolution
   * @param activation what comes last
   */
  record Depthwise(int kernel, int stride, int dilation, boolean batchNorm, Activation activation)
      implements Layer {
    /** Checks the ranges. */
    public Depthwise {
      Layer.window("depthwise", kernel, stride, dilation);
    }

    /** The window of the convolution. */
    public Window window() {
      return Window.same(kernel, stride, dilation);
    }

    @Override
    public Shape output(Shape input) {
      return window().output(Layer.image("depthwise", input), input.channels());
    }

    @Override
    public long parameters(Shape input) {
      int channels = Layer.image("depthwise", input).channels();
      return ((long) kernel * kernel + (batchNorm ? 2 : 1)) * channels;
    }

    @Override
    public long macs(Shape input) {
      return (long) kernel * kernel * output(input).size();
    }
  }

  /**
   * Separable convolution: depthwise, batch norm, activation, pointwise, batch norm (linear). The
   * op {@code "dilated"} is the same with dilation 2.
   *
   * @param kernel odd, 1 to 15
   * @param stride 1 to 4, of the depthwise convolution
   * @param dilation 1 to 8, of the depthwise convolution
   * @param out output channels
   * @param activation between the two convolutions
   */
  record Separable(int kernel, int stride, int dilation, int out, Activation activation)
      implements Layer {
    /** Checks the ranges. */
    public Separable {
      Layer.window("separable", kernel, stride, dilation);
      Layer.width("separable", out);
    }

    /** The window of the depthwise convolution. */
    public Window window() {
      return Window.same(kernel, stride, dilation);
    }

    @Override
    public Shape output(Shape input) {
      return depthwise(input).withChannels(out);
    }

    @Override
    public long parameters(Shape input) {
      long in = Layer.image("separable", input).channels();
      return ((long) kernel * kernel + 2) * in + in * out + 2L * out;
    }

    @Override
    public long macs(Shape input) {
      return ((long) kernel * kernel + out) * depthwise(input).size();
    }

    private Shape depthwise(Shape input) {
      return window().output(Layer.image("separable", input), input.channels());
    }
  }

  /**
   * Inverted residual (MobileNetV2): 1x1 expansion, batch norm, activation (both absent where
   * expand is 1); depthwise, batch norm, activation; [squeeze and excitation]; 1x1 projection,
   * batch norm (linear); [plus the input]. The convolutions have no bias; the two pointwise ones
   * inside squeeze and excitation do.
   *
   * @param kernel odd, 1 to 15, of the depthwise convolution
   * @param stride 1 to 4, of the depthwise convolution
   * @param expand ratio of the expanded width to the input width, 1 to 16
   * @param out output channels
   * @param activation after the expansion and after the depthwise convolution
   * @param squeezeExcite ratio of squeeze-and-excitation's hidden width to the expanded width, at
   *     most 1; 0 for none
   * @param residual whether the input is added to the output: needs stride 1 and equal widths
   */
  record MbConv(
      int kernel,
      int stride,
      int expand,
      int out,
      Activation activation,
      double squeezeExcite,
      boolean residual)
      implements Layer {
    /** Checks the ranges. */
    public MbConv {
      Layer.window("mbconv", kernel, stride, 1);
      Layer.width("mbconv", out);
      Layer.range("mbconv", "expand", expand, MAX_EXPAND);
      if (!(squeezeExcite >= 0 && squeezeExcite <= 1)) {
        throw new SextantException(
            "mbconv: squeeze-excite %s is not between 0 and 1".formatted(squeezeExcite));
      }
    }

    /** The window of the depthwise convolution. */
    public Window window() {
      return Window.same(kernel, stride);
    }

    /** Channels between the expansion and the projection, for that many input channels. */
    public int expanded(int channels) {
      return Math.multiplyExact(channels, expand);
    }

    /** Hidden channels of squeeze and excitation, or 0 where there is none. */
    public int squeezed(int channels) {
      return squeezeExcite == 0 ? 0 : Widths.makeDivisible(expanded(channels) * squeezeExcite);
    }

    /** Whether the identity fits around the block: what {@code residual} is where not given. */
    public static boolean residualFits(int stride, int in, int out) {
      return stride == 1 && in == out;
    }

    @Override
    public Shape output(Shape input) {
      return depthwise(input).withChannels(out);
    }

    @Override
    public long parameters(Shape input) {
      int in = Layer.image("mbconv", input).channels();
      long mid = expanded(in);
      long hidden = squeezed(in);
      long expansion = expand == 1 ? 0 : in * mid + 2 * mid;
      long excitation = hidden == 0 ? 0 : 2 * mid * hidden + hidden + mid;
      return expansion + ((long) kernel * kernel + 2) * mid + excitation + mid * out + 2L * out;
    }

    @Override
    public long macs(Shape input) {
      Shape depthwise = depthwise(input);
      long mid = depthwise.channels();
      long expansion = expand == 1 ? 0 : input.size() * mid;
      long excitation = 2 * mid * squeezed(input.channels()) * input.get(0);
      return expansion + ((long) kernel * kernel + out) * depthwise.size() + excitation;
    }

    /** The shape after the depthwise convolution; the expanded image must fit a tensor too. */
    private Shape depthwise(Shape input) {
      int in = Layer.image("mbconv", input).channels();
      if (residual && !residualFits(stride, in, out)) {
        throw new SextantException(
            "mbconv: a residual needs stride 1 and equal widths (stride %d, %d to %d channels)"
                .formatted(stride, in, out));
      }
      Shape expanded = input.withChannels(expanded(in));
      return window().output(expanded, expanded.channels());
    }
  }

  /**
   * Pooling; the padding takes no part in a maximum or an average.
   *
   * @param max the maximum, or else the average
   * @param kernel odd, 1 to 15
   * @param stride 1 to 4
   */
  record Pool(boolean max, int kernel, int stride) implements Layer {
    /** Checks the ranges. */
    public Pool {
      Layer.window("pool", kernel, stride, 1);
    }

    /** The window of the pooling. */
    public Window window() {
      return Window.same(kernel, stride);
    }

    @Override
    public Shape output(Shape input) {
      return window().output(Layer.image("pool", input), input.channels());
    }
  }

  /** The identity, {@code "skip"} or {@code "identity"}: y = x. */
  record Skip() implements Layer {
    @Override
    public Shape output(Shape input) {
      return input;
    }
  }

  /** y = 0: an edge that is cut. A chain of layers cannot hold it. */
  record Zero() implements Layer {
    @Override
    public Shape output(Shape input) {
      return input;
    }
  }

  /** The mean over the pixels: {@code [N, H, W, C]} to {@code [N, C]}. */
  record GlobalAvgPool() implements Layer {
    @Override
    public Shape output(Shape input) {
      return Shape.of(Layer.image("global-avg-pool", input).get(0), input.channels());
    }
  }

  /**
   * A fully connected layer with a bias, activation: {@code [N, C]} to {@code [N, out]}.
   *
   * @param out output features
   * @param activation what comes last; the identity for logits
   */
  record Linear(int out, Activation activation) implements Layer {
    /** Without an activation. */
    public Linear(int out) {
      this(out, Activation.IDENTITY);
    }

    /** Checks the range. */
    public Linear {
      Layer.width("linear", out);
    }

    @Override
    public Shape output(Shape input) {
      if (input.rank() != 2) {
        throw new SextantException(
            "linear: input must be [N,C], after global-avg-pool (it is %s)".formatted(input));
      }
      return input.withChannels(out);
    }

    @Override
    public long parameters(Shape input) {
      output(input);
      return (input.channels() + 1L) * out;
    }

    @Override
    public long macs(Shape input) {
      return (long) input.channels() * output(input).size();
    }
  }

  private static void window(String op, int kernel, int stride, int dilation) {
    range(op, "kernel", kernel, MAX_KERNEL);
    if (kernel % 2 == 0) {
      throw new SextantException("%s: kernel %d is even".formatted(op, kernel));
    }
    range(op, "stride", stride, MAX_STRIDE);
    range(op, "dilation", dilation, MAX_DILATION);
  }

  private static void width(String op, int out) {
    range(op, "out", out, MAX_WIDTH);
  }

  private static void range(String op, String name, int value, int max) {
    if (value < 1 || value > max) {
      throw new SextantException(
          "%s: %s %d is not between 1 and %d".formatted(op, name, value, max));
    }
  }

  private static Shape image(String op, Shape input) {
    if (input.rank() != 4) {
      throw new SextantException(
          "%s: input must be an image [N,H,W,C] (it is %s)".formatted(op, input));
    }
    return input;
  }

  /**
   * Where the chain of layers parts or meets: {@code fork, A, next, B, sum} is A(x) + B(x), and A
   * and B, which may be empty, can fork again. What a sum takes in has one height and width; where
   * one branch is narrower, its missing channels are zero (the shortcuts of PyramidNet, Han et al.,
   * 2017). Alone, a junction gives its input; {@link Branches} knows the shapes in a chain.
   */
  record Junction(Kind kind) implements Layer {
    /** What happens. */
    public enum Kind {
      /** A branch begins. */
      FORK("fork"),
      /** The next branch begins, with the input that the fork had. */
      NEXT("next"),
      /** The branches end in their sum. */
      SUM("sum");

      private final String word;

      Kind(String word) {
        this.word = word;
      }

      /** Its name in JSON. */
      public String word() {
        return word;
      }
    }

    @Override
    public Shape output(Shape input) {
      return input;
    }
  }
}
