package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.ChannelReduction;
import dev.sextant.kernels.family.Depthwise;
import dev.sextant.kernels.family.DepthwiseFilter;
import dev.sextant.kernels.family.PixelSource.Form;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions that read through batch norms. Depthwise kernels apply norms and their gradients on
 * load; dense ones, which are cuBLAS's and cuDNN's, have them applied to scratch in one pass.
 */
final class NormalizedLaunches {
  private final Kernels kernels;
  private final ChannelLaunches channels;
  private final ImageLaunches images;

  NormalizedLaunches(Kernels kernels, ChannelLaunches channels, ImageLaunches images) {
    this.kernels = kernels;
    this.channels = channels;
    this.images = images;
  }

  void conv2dBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    try (Tensor dz = inputGradient(g, z, gradient)) {
      images.conv2dBackwardData(dz, w, window, gx);
    }
    reduce(x, into, gx);
  }

  void conv2dBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    try (Tensor input = normalized(x, norm);
        Tensor dz = inputGradient(g, z, gradient)) {
      images.conv2dBackwardFilter(input, dz, window, dw);
    }
  }

  private Tensor normalized(Tensor x, @Nullable BatchNorm norm) {
    if (norm == null) {
      return x.share();
    }
    Tensor out = scratch(x);
    channels.batchNorm(x, norm, null, out);
    return out;
  }

  private Tensor inputGradient(Tensor g, Tensor z, NormGradient gradient) {
    Tensor dz = scratch(z);
    channels.normInputGradient(
        z, linear(gradient.norm()), g, gradient.dgamma(), gradient.dbeta(), dz);
    return dz;
  }

  private Tensor scratch(Tensor like) {
    return kernels
        .memory()
        .floats(like.shape(), Memory.Category.WORKSPACE, "normalized convolution");
  }

  /** g already holds the derivative of the activation. */
  private static BatchNorm linear(BatchNorm norm) {
    return new BatchNorm(
        norm.mean(),
        norm.variance(),
        norm.gamma(),
        norm.beta(),
        norm.epsilon(),
        Activation.IDENTITY);
  }

  /** From the gradient of norm(x) in gx to g of the norm, and its sums. */
  private void reduce(@Nullable Tensor x, @Nullable NormGradient into, Tensor gx) {
    if (into != null) {
      channels.normReduce(present(x), gx, into, gx);
    }
  }

  private static Tensor present(@Nullable Tensor x) {
    return Objects.requireNonNull(x, "the convolution's input is asked to be read");
  }

  void depthwise(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (z.size() == 0) {
      channels.statistics(z, mean, variance);
      return;
    }
    int width = Math.min(Kernels.width(x.shape().get(3), x, w, z), width(norm));
    Form form = norm == null ? Form.PLAIN : Form.normalized(norm.activation());
    Depthwise kernel = new Depthwise(window, false, form, false, Activation.IDENTITY, true, width);
    int blocks = ImageLaunches.tileBlocks(kernel, z);
    int channelCount = z.shape().get(3);
    try (Tensor partial =
        kernels.workspace(
            blocks * ChannelReduction.Quantity.STATISTICS.count() * channelCount,
            "partial statistics")) {
      Launch launch = kernels.of(kernel);
      source(launch, x, norm);
      images.stencil(kernel, launch, x, w, null, z, partial);
      channels.combineStatistics(partial, blocks, mean, variance);
    }
  }

  void depthwiseBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    if (g.size() == 0) {
      // Nothing reaches the input: zeros, by the plain kernels.
      if (dw != null) {
        images.depthwiseBackwardFilter(present(x), g, window, dw);
      }
      if (gx != null) {
        images.depthwiseBackwardData(g, w, window, gx);
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
      Depthwise kernel =
          new Depthwise(window, true, Form.GRADIENT, false, Activation.IDENTITY, false, width);
      Launch launch = kernels.of(kernel);
      source(launch, g, z, gradient);
      images.stencil(kernel, launch, g, w, null, gx, null);
      reduce(x, into, gx);
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
    int width = ImageLaunches.filterWidth(window, dw.shape().get(2), x, g, z, dw);
    width = width(norm) == 1 || width(gradient) == 1 ? 1 : width;
    Form form = norm == null ? Form.PLAIN : Form.normalized(norm.activation());
    images.filter(
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
