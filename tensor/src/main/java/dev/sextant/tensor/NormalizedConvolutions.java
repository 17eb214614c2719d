package dev.sextant.tensor;

import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Memory.Category;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The convolutions of {@link Backend} that read and write through batch normalisation, put together
 * from its plain kernels: what a backend does until it has something better, and what that is
 * tested against.
 */
final class NormalizedConvolutions {
  private NormalizedConvolutions() {}

  static void reduce(Backend b, Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    BatchNorm norm = gradient.norm();
    try (Tensor scratch = workspace(b, z.shape())) {
      b.batchNormApply(z, norm.linear(), null, scratch);
      b.activateBackward(scratch, norm.activation(), dy, g);
      b.batchNormBackward(z, norm.linear(), g, scratch, gradient.dgamma(), gradient.dbeta());
    }
  }

  static void conv2d(
      Backend b,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    try (Tensor input = normalized(b, x, norm)) {
      b.conv2d(input, w, window, null, Activation.IDENTITY, null, z);
    }
    b.batchNormStatistics(z, mean, variance);
  }

  static double conv2dInnerProduct(
      Backend b,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    try (Tensor input = normalized(b, x, norm);
        Tensor z = workspace(b, dy.shape())) {
      b.conv2d(input, w, window, null, Activation.IDENTITY, null, z);
      return b.batchNormInnerProduct(z, dy, gamma, beta, epsilon, shift);
    }
  }

  static void conv2dBackwardData(
      Backend b,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    try (Tensor dz = inputGradient(b, g, z, gradient)) {
      b.conv2dBackwardData(dz, w, window, gx);
    }
    if (into != null) {
      b.batchNormReduce(present(x), gx, into, gx);
    }
  }

  static void conv2dBackwardFilter(
      Backend b,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    try (Tensor input = normalized(b, x, norm);
        Tensor dz = inputGradient(b, g, z, gradient)) {
      b.conv2dBackwardFilter(input, dz, window, dw);
    }
  }

  static void depthwise(
      Backend b,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    try (Tensor input = normalized(b, x, norm)) {
      b.depthwise(input, w, window, null, Activation.IDENTITY, z);
    }
    b.batchNormStatistics(z, mean, variance);
  }

  static void depthwiseBackward(
      Backend b,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    try (Tensor dz = inputGradient(b, g, z, gradient)) {
      if (dw != null) {
        try (Tensor input = normalized(b, present(x), into == null ? null : into.norm())) {
          b.depthwiseBackwardFilter(input, dz, window, dw);
        }
      }
      if (gx != null) {
        b.depthwiseBackwardData(dz, w, window, gx);
      }
    }
    if (gx != null && into != null) {
      b.batchNormReduce(present(x), gx, into, gx);
    }
  }

  /** x through its norm, in scratch memory; another handle to x if it has none. */
  private static Tensor normalized(Backend b, Tensor x, @Nullable BatchNorm norm) {
    if (norm == null) {
      return x.share();
    }
    Tensor out = workspace(b, x.shape());
    b.batchNormApply(x, norm, null, out);
    return out;
  }

  private static Tensor present(@Nullable Tensor x) {
    return Objects.requireNonNull(x, "the convolution's input is asked to be read");
  }

  /** The gradient of a norm's input. Its sums come out as they are in {@code gradient}. */
  private static Tensor inputGradient(Backend b, Tensor g, Tensor z, NormGradient gradient) {
    Tensor dz = workspace(b, z.shape());
    try (Tensor dgamma = workspace(b, gradient.dgamma().shape());
        Tensor dbeta = workspace(b, gradient.dbeta().shape())) {
      b.batchNormBackward(z, gradient.norm().linear(), g, dz, dgamma, dbeta);
    }
    return dz;
  }

  private static Tensor workspace(Backend b, Shape shape) {
    return b.memory().floats(shape, Category.WORKSPACE, "normalized convolution");
  }
}
