package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** The rules of {@link Bottleneck}. A passing check allocates nothing. */
public final class BottleneckRules {
  private BottleneckRules() {}

  /**
   * Checks the arguments of {@link Bottleneck#convolution}.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; null: x as it is
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param mean written, {@code [C']}
   * @param variance written, biased, {@code [C']}
   */
  public static void convolution(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    String op = "conv2dNormalized";
    ConvolutionRules.output(op, x.shape(), w.shape(), window, "output", z);
    BatchNormRules.normalizedOutput(op, x, norm, w, z, mean, variance);
  }

  /**
   * Checks the arguments of {@link Bottleneck#depthwise}.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; null: x as it is
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param mean written, {@code [C']}
   * @param variance written, biased, {@code [C']}
   */
  public static void depthwise(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    String op = "depthwiseNormalized";
    DepthwiseRules.output(op, x.shape(), w.shape(), window, "output", z);
    BatchNormRules.normalizedOutput(op, x, norm, w, z, mean, variance);
  }

  /**
   * Checks the arguments of {@link Bottleneck#convolutionInnerProduct}.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; null: x as it is
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param dy gradient behind z's norm, of z's shape
   * @param gamma scale of z's norm, {@code [C']}
   * @param beta offset of z's norm, {@code [C']}
   * @param shift about the mean of z, {@code [C']}
   */
  public static void convolutionInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      Tensor shift) {
    String op = "conv2dNormalizedInnerProduct";
    ConvolutionRules.output(op, x.shape(), w.shape(), window, "output gradient", dy);
    Check.channels(op, dy, gamma);
    Check.channels(op, dy, beta);
    Check.channels(op, dy, shift);
    if (norm != null) {
      BatchNormRules.channels(op, x, norm);
    }
  }

  /**
   * Checks the arguments of {@link Bottleneck#convolutionBackwardData}.
   *
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param into the gradient of x's norm, whose sums are written; null where the convolution read x
   *     as it is
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is null
   */
  public static void convolutionBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    String op = "conv2dNormalizedBackwardData";
    ConvolutionRules.output(op, gx.shape(), w.shape(), window, "output gradient", g);
    BatchNormRules.outputGradient(op, g, z, gradient);
    BatchNormRules.inputGradient(op, x, into, gx, g, z);
    Check.apart(op, gx, w);
  }

  /**
   * Checks the arguments of {@link Bottleneck#convolutionBackwardFilter}.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; null: x as it is
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param window kernel size, stride, padding and dilation
   * @param dw gradient of w, written
   */
  public static void convolutionBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    String op = "conv2dNormalizedBackwardFilter";
    ConvolutionRules.output(op, x.shape(), dw.shape(), window, "output gradient", g);
    BatchNormRules.outputGradient(op, g, z, gradient);
    if (norm != null) {
      BatchNormRules.channels(op, x, norm);
    }
    Check.apart(op, dw, x);
    Check.apart(op, dw, g);
    Check.apart(op, dw, z);
  }

  /**
   * Checks the arguments of {@link Bottleneck#depthwiseBackward}.
   *
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param into the gradient of x's norm, whose sums are written; null where the convolution read x
   *     as it is
   * @param dw gradient of w, written; null if not wanted
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is null; null if not
   *     wanted
   */
  public static void depthwiseBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    String op = "depthwiseNormalizedBackward";
    BatchNormRules.outputGradient(op, g, z, gradient);
    if (dw != null) {
      Tensor input = BatchNormRules.present(op, x);
      DepthwiseRules.output(op, input.shape(), w.shape(), window, "output gradient", g);
      Check.same(op, w, dw);
      Check.apart(op, dw, w);
      Check.apart(op, dw, input);
      Check.apart(op, dw, g);
      Check.apart(op, dw, z);
    }
    if (gx != null) {
      DepthwiseRules.output(op, gx.shape(), w.shape(), window, "output gradient", g);
      BatchNormRules.inputGradient(op, x, into, gx, g, z);
      Check.apart(op, gx, w);
    } else if (into != null) {
      BatchNormRules.channels(op, BatchNormRules.present(op, x), into);
    }
  }

  /**
   * Checks the arguments of {@link Bottleneck#expanded}.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param expand pointwise, of {@link Convolution#fix}
   * @param kernel of {@link Depthwise#fix}
   * @param project pointwise, of {@link Convolution#fix}; null for none
   * @param residual of out's shape; null for none
   * @param out written, {@code [N, H', W', C]}
   * @return the shape of the depthwise convolution's output
   */
  public static Shape expanded(
      Tensor x,
      FixedKernel expand,
      FixedKernel kernel,
      @Nullable FixedKernel project,
      @Nullable Tensor residual,
      Tensor out) {
    String op = "expanded";
    Shape expanded = ConvolutionRules.output(op, x.shape(), expand.shape(), expand.window());
    Shape middle = DepthwiseRules.output(op, expanded, kernel.shape(), kernel.window());
    Shape last =
        project == null
            ? middle
            : ConvolutionRules.output(op, middle, project.shape(), project.window());
    Check.shape(op, "output", out, last);
    if (residual != null) {
      Check.same(op, out, residual);
    }
    Check.apart(op, out, x);
    Check.apart(op, out, residual);
    return middle;
  }
}
