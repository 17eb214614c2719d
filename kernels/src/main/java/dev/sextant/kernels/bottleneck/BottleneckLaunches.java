package dev.sextant.kernels.bottleneck;

import dev.sextant.kernels.batchnorm.BatchNormLaunches;
import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.depthwise.DepthwiseFilter;
import dev.sextant.kernels.depthwise.DepthwiseKernel;
import dev.sextant.kernels.depthwise.DepthwiseLaunches;
import dev.sextant.kernels.depthwise.PixelSource.Form;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.BottleneckRules;
import dev.sextant.tensor.family.ComposedBottleneck;
import dev.sextant.tensor.family.Convolution;
import org.jspecify.annotations.Nullable;

/**
 * {@link dev.sextant.tensor.family.Bottleneck} on a device. Depthwise kernels apply norms and their
 * gradients on load; dense ones, which are cuBLAS's and cuDNN's, have them applied to scratch in
 * one pass.
 */
public final class BottleneckLaunches extends ComposedBottleneck {
  private final Kernels kernels;
  private final DepthwiseLaunches depthwise;
  private final BatchNormLaunches norms;

  /** Kernels that are loaded there. */
  public BottleneckLaunches(
      Kernels kernels,
      Convolution convolution,
      DepthwiseLaunches depthwise,
      BatchNormLaunches norms) {
    super(kernels.memory(), convolution, depthwise, norms);
    this.kernels = kernels;
    this.depthwise = depthwise;
    this.norms = norms;
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
    if (z.size() == 0) {
      norms.statistics(z, mean, variance);
      return;
    }
    int width = Math.min(Kernels.width(x.shape().get(3), x, w, z), width(norm));
    Form form = norm == null ? Form.PLAIN : Form.normalized(norm.activation());
    DepthwiseKernel kernel =
        new DepthwiseKernel(window, false, form, false, Activation.IDENTITY, true, width);
    int blocks = DepthwiseLaunches.tileBlocks(kernel, z);
    int channelCount = z.shape().get(3);
    try (Tensor partial =
        kernels.workspace(
            blocks * ChannelReduction.Quantity.STATISTICS.count() * channelCount,
            "partial statistics")) {
      Launch launch = kernels.of(kernel);
      source(launch, x, norm);
      depthwise.stencil(kernel, launch, x, w, null, z, partial);
      norms.combineStatistics(partial, blocks, mean, variance);
    }
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
    if (g.size() == 0) {
      // Nothing reaches the input: zeros, by the plain kernels.
      if (dw != null) {
        depthwise.backwardFilter(present(x), g, window, dw);
      }
      if (gx != null) {
        depthwise.backwardData(g, w, window, gx);
        reduce(x, into, gx);
      }
      return;
    }
    if (dw != null) {
      BatchNorm norm = into == null ? null : into.norm();
      filter(g, z, gradient, window, present(x), norm, dw);
    }
    if (gx != null) {
      int width = Math.min(Kernels.width(g.shape().get(3), g, z, w, gx), width(gradient));
      DepthwiseKernel kernel =
          new DepthwiseKernel(
              window, true, Form.GRADIENT, false, Activation.IDENTITY, false, width);
      Launch launch = kernels.of(kernel);
      source(launch, g, z, gradient);
      depthwise.stencil(kernel, launch, g, w, null, gx, null);
      reduce(x, into, gx);
    }
  }

  /** By the sums that are there, in one pass. */
  @Override
  protected Tensor inputGradient(Tensor g, Tensor z, NormGradient gradient) {
    Tensor dz = workspace(z.shape());
    norms.inputGradient(z, gradient.norm().linear(), g, gradient.dgamma(), gradient.dbeta(), dz);
    return dz;
  }

  /** Held by what is recorded meanwhile. */
  @Override
  protected Tensor expansion(Shape shape) {
    try (Tensor flat = kernels.workspace(shape.size(), "expansion")) {
      return flat.reshape(shape);
    }
  }

  private void filter(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor dw) {
    int width = DepthwiseLaunches.filterWidth(window, dw.shape().get(2), x, g, z, dw);
    width = width(norm) == 1 || width(gradient) == 1 ? 1 : width;
    Form form = norm == null ? Form.PLAIN : Form.normalized(norm.activation());
    depthwise.filter(
        new DepthwiseFilter(window, form, Form.GRADIENT, width),
        launch -> {
          source(launch, x, norm);
          source(launch, g, z, gradient);
        },
        x,
        g,
        dw);
  }

  private static int width(@Nullable BatchNorm norm) {
    return norm == null
        ? Kernels.VECTOR
        : Kernels.width(norm.mean(), norm.variance(), norm.gamma(), norm.beta());
  }

  private static int width(NormGradient gradient) {
    return Math.min(width(gradient.norm()), Kernels.width(gradient.dgamma(), gradient.dbeta()));
  }

  private static void source(Launch launch, Tensor x, @Nullable BatchNorm norm) {
    Kernels.argument(launch, x);
    if (norm != null) {
      Kernels.arguments(launch, norm.mean(), norm.variance(), norm.gamma(), norm.beta())
          .number(norm.epsilon());
    }
  }

  private static void source(Launch launch, Tensor g, Tensor z, NormGradient gradient) {
    Kernels.argument(launch, g);
    source(launch, z, gradient.norm());
    Kernels.arguments(launch, gradient.dgamma(), gradient.dbeta()).number(1f / z.shape().rows());
  }
}
