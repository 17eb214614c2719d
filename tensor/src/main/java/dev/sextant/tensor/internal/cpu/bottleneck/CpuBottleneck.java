package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.family.BottleneckRules;
import dev.sextant.tensor.family.ComposedBottleneck;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.Expansions;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * {@link dev.sextant.tensor.family.Bottleneck} on the Vector API: pointwise and depthwise
 * convolutions have kernels that read through norms. Wider dense ones read each pixel of their
 * input kernel² times: their norm is better applied once, beforehand.
 */
public final class CpuBottleneck extends ComposedBottleneck {
  private final PointwiseForward forward;
  private final PointwiseBackward backward;
  private final DepthwiseKernels depthwise;
  private final CpuExpansions expansions;
  private final BandedExpansion banded;

  /** Kernels that run on this team and take their scratch from this memory. */
  public CpuBottleneck(
      WorkerTeam team,
      Memory memory,
      Convolution convolution,
      DepthwiseKernels depthwise,
      BatchNormalization norms) {
    super(memory, convolution, depthwise, norms);
    this.depthwise = depthwise;
    forward = new PointwiseForward(team, memory);
    backward = new PointwiseBackward(team, memory);
    expansions = new CpuExpansions(team, memory, backward);
    banded = new BandedExpansion(team, memory, depthwise);
  }

  @Override
  public void convolution(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (!fuses(window, x, z)) {
      super.convolution(x, norm, w, window, z, mean, variance);
      return;
    }
    BottleneckRules.convolution(x, norm, w, window, z, mean, variance);
    forward.run(x, norm, w, z, mean, variance);
  }

  @Override
  public double convolutionInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    if (!fuses(window, x, dy)) {
      return super.convolutionInnerProduct(x, norm, w, window, dy, gamma, beta, epsilon, shift);
    }
    BottleneckRules.convolutionInnerProduct(x, norm, w, window, dy, gamma, beta, shift);
    return forward.innerProduct(x, norm, w, dy, gamma, beta, epsilon, shift);
  }

  @Override
  public void convolutionBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    if (!fuses(window, gx, z)) {
      super.convolutionBackwardData(g, z, gradient, w, window, x, into, gx);
      return;
    }
    BottleneckRules.convolutionBackwardData(g, z, gradient, w, window, x, into, gx);
    backward.backwardData(g, z, gradient, w, x == null ? gx : x, into, gx);
  }

  @Override
  public void convolutionBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    if (!fuses(window, x, z)) {
      super.convolutionBackwardFilter(x, norm, g, z, gradient, window, dw);
      return;
    }
    BottleneckRules.convolutionBackwardFilter(x, norm, g, z, gradient, window, dw);
    backward.backwardFilter(x, norm, g, z, gradient, dw);
  }

  @Override
  public void depthwise(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    BottleneckRules.depthwise(x, norm, w, window, z, mean, variance);
    depthwise.forwardNormalized(x, norm, w, window, z, mean, variance);
  }

  @Override
  public void depthwiseBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    BottleneckRules.depthwiseBackward(g, z, gradient, w, window, x, into, dw, gx);
    // Where x is absent only its shape is asked for, which gx has.
    Tensor input = x == null ? gx : x;
    if (input != null) {
      depthwise.backwardNormalized(g, z, gradient, w, window, input, into, dw, gx);
    }
  }

  @Override
  public void expanded(
      Tensor x,
      FixedKernel expand,
      Activation first,
      FixedKernel kernel,
      Activation second,
      @Nullable FixedKernel project,
      @Nullable Tensor residual,
      Tensor out) {
    Shape middle = BottleneckRules.expanded(x, expand, kernel, project, residual, out);
    if (out.size() == 0 || !BandedExpansion.suits(x.shape(), expand, kernel, project)) {
      super.expanded(x, expand, first, kernel, second, project, residual, out);
      return;
    }
    banded.run(x, expand, first, kernel, second, middle, project, residual, out);
  }

  @Override
  public Expansions expansions() {
    return expansions;
  }

  private static boolean fuses(Window window, Tensor x, Tensor z) {
    return window.isPointwise() && x.size() > 0 && z.size() > 0;
  }
}
