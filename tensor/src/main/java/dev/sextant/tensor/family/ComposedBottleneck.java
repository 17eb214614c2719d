package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Bottleneck} put together from the kernels of other families: what a backend has until it
 * has something better, and what that is tested against. Scratch is workspace of the memory, given
 * back before a method returns.
 */
public class ComposedBottleneck implements Bottleneck {
  private final Memory memory;
  private final Convolution convolution;
  private final Depthwise depthwise;
  private final BatchNormalization norms;

  /**
   * Of kernels of one backend and its memory.
   *
   * @param memory where its workspace comes from
   * @param convolution dense kernels of the backend
   * @param depthwise depthwise kernels of the backend
   * @param norms batch norm kernels of the backend
   */
  public ComposedBottleneck(
      Memory memory, Convolution convolution, Depthwise depthwise, BatchNormalization norms) {
    this.memory = memory;
    this.convolution = convolution;
    this.depthwise = depthwise;
    this.norms = norms;
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
    BottleneckRules.convolution(x, norm, w, window, z, mean, variance);
    try (Tensor input = normalized(x, norm)) {
      convolution.forward(input, w, window, null, Activation.IDENTITY, null, z);
    }
    norms.statistics(z, mean, variance);
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
    BottleneckRules.convolutionInnerProduct(x, norm, w, window, dy, gamma, beta, shift);
    try (Tensor input = normalized(x, norm);
        Tensor z = workspace(dy.shape())) {
      convolution.forward(input, w, window, null, Activation.IDENTITY, null, z);
      return norms.innerProduct(z, dy, gamma, beta, epsilon, shift);
    }
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
    BottleneckRules.convolutionBackwardData(g, z, gradient, w, window, x, into, gx);
    try (Tensor dz = inputGradient(g, z, gradient)) {
      convolution.backwardData(dz, w, window, gx);
    }
    reduce(x, into, gx);
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
    BottleneckRules.convolutionBackwardFilter(x, norm, g, z, gradient, window, dw);
    try (Tensor input = normalized(x, norm);
        Tensor dz = inputGradient(g, z, gradient)) {
      convolution.backwardFilter(input, dz, window, dw);
    }
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
    try (Tensor input = normalized(x, norm)) {
      depthwise.forward(input, w, window, null, Activation.IDENTITY, z);
    }
    norms.statistics(z, mean, variance);
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
    try (Tensor dz = inputGradient(g, z, gradient)) {
      if (dw != null) {
        try (Tensor input = normalized(present(x), into == null ? null : into.norm())) {
          depthwise.backwardFilter(input, dz, window, dw);
        }
      }
      if (gx != null) {
        depthwise.backwardData(dz, w, window, gx);
      }
    }
    if (gx != null) {
      reduce(x, into, gx);
    }
  }

  /** None: keeping an expansion is as fast as making it again. */
  @Override
  public @Nullable Expansions expansions() {
    return null;
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
    try (Tensor wide = expansion(x.shape().withChannels(expand.shape().channels()))) {
      convolution.forward(x, expand, first, null, wide);
      if (project == null) {
        depthwise.forward(wide, kernel, second, out);
        return;
      }
      try (Tensor filtered = expansion(middle)) {
        depthwise.forward(wide, kernel, second, filtered);
        convolution.forward(filtered, project, Activation.IDENTITY, residual, out);
      }
    }
  }

  /** x through its norm, in scratch memory; another handle to x if it has none. */
  private Tensor normalized(Tensor x, @Nullable BatchNorm norm) {
    if (norm == null) {
      return x.share();
    }
    Tensor out = workspace(x.shape());
    norms.apply(x, norm, null, out);
    return out;
  }

  /**
   * From the gradient of norm(x) in gx to g of the norm, and its sums; nothing where the
   * convolution read x as it is.
   *
   * @param x the convolution's input before its norm; may be absent where {@code into} is
   * @param into the gradient of x's norm, whose sums are written; absent without a norm
   * @param gx of x's shape, read and overwritten
   */
  protected final void reduce(@Nullable Tensor x, @Nullable NormGradient into, Tensor gx) {
    if (into != null) {
      norms.reduce(present(x), gx, into, gx);
    }
  }

  /**
   * {@return an input that is there}
   *
   * @param x the convolution's input
   * @throws NullPointerException if it is absent, which {@link BottleneckRules} have let through
   */
  protected static Tensor present(@Nullable Tensor x) {
    return Objects.requireNonNull(x, "the convolution's input is asked to be read");
  }

  /**
   * {@return the gradient of a norm's input, of z's shape, in workspace that the caller closes} Its
   * sums come out as they are in {@code gradient}; a backend that need not find them again
   * overrides this.
   *
   * @param g of the norm
   * @param z the norm's input
   * @param gradient of the norm, its sums already there
   */
  protected Tensor inputGradient(Tensor g, Tensor z, NormGradient gradient) {
    Tensor dz = workspace(z.shape());
    try (Tensor dgamma = workspace(gradient.dgamma().shape());
        Tensor dbeta = workspace(gradient.dbeta().shape())) {
      norms.backward(z, gradient.norm().linear(), g, dz, dgamma, dbeta);
    }
    return dz;
  }

  /**
   * {@return scratch for the output of an expansion, that the caller closes}
   *
   * @param shape of the output
   */
  protected Tensor expansion(Shape shape) {
    return workspace(shape);
  }

  /**
   * {@return workspace that the caller closes}
   *
   * @param shape in floats
   */
  protected final Tensor workspace(Shape shape) {
    return memory.floats(shape, Category.WORKSPACE, "normalized convolution");
  }
}
