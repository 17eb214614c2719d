package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** The rules of {@link Bottleneck}. A passing check allocates nothing. */
public final class BottleneckRules {
  private BottleneckRules() {}

  /** Of {@link Bottleneck#convolution}. */
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

  /** Of {@link Bottleneck#depthwise}. */
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

  /** Of {@link Bottleneck#convolutionInnerProduct}. */
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

  /** Of {@link Bottleneck#convolutionBackwardData}. */
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

  /** Of {@link Bottleneck#convolutionBackwardFilter}. */
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

  /** Of {@link Bottleneck#depthwiseBackward}. */
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
}
