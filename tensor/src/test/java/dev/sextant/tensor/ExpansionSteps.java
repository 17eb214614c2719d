package dev.sextant.tensor;

import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.family.Expansions;
import org.jspecify.annotations.Nullable;

/** {@link Expansions} with every tensor in memory, put together from a backend's other kernels. */
record ExpansionSteps(Backend backend) implements Expansions {
  /** A backend's own, or these. */
  static Expansions on(Backend backend) {
    Expansions own = backend.bottleneck().expansions();
    return own == null ? new ExpansionSteps(backend) : own;
  }

  @Override
  public boolean pays(Shape x) {
    return false;
  }

  @Override
  public boolean repeats(Shape x) {
    return false;
  }

  @Override
  public void covariance(Tensor x, Tensor mean, Tensor covariance) {
    int channels = x.shape().channels();
    int rows = x.shape().rows();
    double[] means = new double[channels];
    for (int i = 0; i < x.size(); i++) {
      means[i % channels] += x.floats()[x.offset() + i] / (double) rows;
    }
    double[] products = new double[channels * channels];
    for (int row = 0; row < rows; row++) {
      int at = x.offset() + row * channels;
      for (int i = 0; i < channels; i++) {
        double left = (x.floats()[at + i] - means[i]) / rows;
        for (int j = 0; j < channels; j++) {
          products[i * channels + j] += left * (x.floats()[at + j] - means[j]);
        }
      }
    }
    for (int i = 0; i < channels; i++) {
      mean.floats()[mean.offset() + i] = (float) means[i];
    }
    for (int i = 0; i < products.length; i++) {
      covariance.floats()[covariance.offset() + i] = (float) products[i];
    }
  }

  @Override
  public void moments(Tensor inputMean, Tensor covariance, Tensor w, Tensor mean, Tensor variance) {
    int inputs = inputMean.size();
    int channels = mean.size();
    for (int c = 0; c < channels; c++) {
      double m = 0;
      double v = 0;
      for (int i = 0; i < inputs; i++) {
        double left = w.floats()[w.offset() + i * channels + c];
        m += left * inputMean.floats()[inputMean.offset() + i];
        for (int j = 0; j < inputs; j++) {
          double right = w.floats()[w.offset() + j * channels + c];
          v += left * covariance.floats()[covariance.offset() + i * inputs + j] * right;
        }
      }
      mean.floats()[mean.offset() + c] = (float) m;
      variance.floats()[variance.offset() + c] = (float) Math.max(0, v);
    }
  }

  @Override
  public void depthwise(
      Tensor x,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor kept,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    try (Tensor expanded = expanded(x, w)) {
      if (kept != null) {
        backend.elementwise().scale(expanded, 1, kept);
      }
      backend.bottleneck().depthwise(expanded, norm, kernel, window, z, mean, variance);
    }
  }

  @Override
  public void reduceProjection(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      NormGradient into,
      @Nullable Tensor kept) {
    if (projection.dw() != null) {
      backend
          .bottleneck()
          .convolutionBackwardFilter(
              middle, into.norm(), g, z, projection.gradient(), Window.POINTWISE, projection.dw());
    }
    try (Tensor behind = behind(g, z, projection, middle, into)) {
      if (kept != null) {
        backend.elementwise().scale(behind, 1, kept);
      }
    }
  }

  /** The gradient behind the norm of the projection's input, whose sums are written. */
  private Tensor behind(
      Tensor g, Tensor z, ConvolutionGradient projection, Tensor middle, NormGradient into) {
    Tensor gx = scratch(middle.shape());
    backend
        .bottleneck()
        .convolutionBackwardData(
            g, z, projection.gradient(), projection.w(), Window.POINTWISE, middle, into, gx);
    return gx;
  }

  @Override
  public void backward(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      @Nullable Tensor keptBehind,
      ConvolutionGradient depthwise,
      Window window,
      Tensor x,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor kept,
      ConvolutionGradient expansion,
      @Nullable Tensor dx) {
    NormGradient sums = expansion.gradient();
    try (Tensor expanded = expanded(x, expansion.w());
        Tensor behind = behind(g, z, projection, middle, depthwise.gradient());
        Tensor front = scratch(expanded.shape())) {
      backend
          .bottleneck()
          .depthwiseBackward(
              behind,
              middle,
              depthwise.gradient(),
              depthwise.w(),
              window,
              expanded,
              sums,
              depthwise.dw(),
              front);
      if (expansion.dw() != null) {
        backend
            .bottleneck()
            .convolutionBackwardFilter(
                x, null, front, expanded, sums, Window.POINTWISE, expansion.dw());
      }
      if (dx != null) {
        backend
            .bottleneck()
            .convolutionBackwardData(
                front, expanded, sums, expansion.w(), Window.POINTWISE, x, null, dx);
      }
    }
  }

  private Tensor expanded(Tensor x, Tensor w) {
    Tensor out = scratch(x.shape().withChannels(w.shape().channels()));
    backend.convolution().forward(x, w, Window.POINTWISE, null, Activation.IDENTITY, null, out);
    return out;
  }

  private Tensor scratch(Shape shape) {
    return backend.memory().floats(shape, Category.WORKSPACE, "expansion");
  }
}
