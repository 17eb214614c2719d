package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The rules of {@link Expansions}. A passing check allocates nothing. */
public final class ExpansionRules {
  private ExpansionRules() {}

  /**
   * Checks the arguments of {@link Expansions#pays}.
   *
   * @param x the expansion's input, {@code [N, H, W, C]}
   */
  public static void pays(Shape x) {
    Check.rank("expansion", "input", x, 4);
  }

  /**
   * Checks the arguments of {@link Expansions#repeats}.
   *
   * @param x the expansion's input, {@code [N, H, W, C]}
   */
  public static void repeats(Shape x) {
    Check.rank("expansion", "input", x, 4);
  }

  /**
   * Checks the arguments of {@link Expansions#covariance}.
   *
   * @param x {@code [.., C]}
   * @param mean written, {@code [C]}
   * @param covariance written, {@code [C, C]}
   */
  public static void covariance(Tensor x, Tensor mean, Tensor covariance) {
    String op = "covariance";
    moments(op, x, mean, covariance);
    Check.apart(op, mean, x);
    Check.apart(op, covariance, x);
    Check.apart(op, covariance, mean);
  }

  /**
   * Checks the arguments of {@link Expansions#moments}.
   *
   * @param inputMean of x, {@code [C]}
   * @param covariance of x, {@code [C, C]}
   * @param w of the expansion, {@code [1, 1, C, E]}
   * @param mean written, {@code [E]}
   * @param variance written, biased, {@code [E]}
   */
  public static void moments(
      Tensor inputMean, Tensor covariance, Tensor w, Tensor mean, Tensor variance) {
    String op = "expansion moments";
    square(op, inputMean.size(), covariance);
    kernel(op, inputMean.size(), w);
    Check.channels(op, w, mean);
    Check.channels(op, w, variance);
    Check.apart(op, mean, w);
    Check.apart(op, mean, inputMean);
    Check.apart(op, variance, w);
    Check.apart(op, variance, covariance);
  }

  /**
   * Checks the arguments of {@link Expansions#depthwise}.
   *
   * @param x the expansion's input, {@code [N, H, W, C]}
   * @param w of the expansion, {@code [1, 1, C, E]}
   * @param norm of x w
   * @param expanded x w {@code [N, H, W, E]} where it is kept; null if it is not
   * @param kernel of the depthwise convolution, {@code [k, k, E]}
   * @param window of the depthwise convolution
   * @param z the raw output, {@code [N, H', W', E]}
   * @param mean written, {@code [E]}
   * @param variance written, biased, {@code [E]}
   */
  public static void depthwise(
      Tensor x,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor expanded,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    String op = "expanded depthwise";
    expansion(op, x, w, norm);
    depthwise(op, x, w, kernel, window, z);
    Check.channels(op, z, mean);
    Check.channels(op, z, variance);
    Check.apart(op, z, x);
    Check.apart(op, z, w);
    Check.apart(op, z, kernel);
    BatchNormRules.apart(op, z, norm);
    if (expanded != null) {
      expanded(op, x, w, expanded);
      Check.apart(op, expanded, x);
      Check.apart(op, expanded, w);
      Check.apart(op, z, expanded);
    }
  }

  /**
   * Checks the arguments of {@link Expansions#reduceProjection}.
   *
   * @param g {@code [N, H', W', O]}, behind the projection's norm
   * @param z the projection's output, of g's shape
   * @param projection its kernel {@code [1, 1, E, O]}, and its norm with the sums of g
   * @param middle the depthwise convolution's output z2, {@code [N, H', W', E]}
   * @param into z2's norm, whose sums are written
   * @param behind g2, of z2's shape; null if it is not kept
   */
  public static void reduceProjection(
      Tensor g,
      Tensor z,
      Expansions.ConvolutionGradient projection,
      Tensor middle,
      NormGradient into,
      @Nullable Tensor behind) {
    String op = "expansion reduceProjection";
    projection(op, g, z, projection, middle);
    Tensor dw = projection.dw();
    if (dw != null) {
      Check.same(op, projection.w(), dw);
      Check.apart(op, dw, projection.w());
      Check.apart(op, dw, middle);
      Check.apart(op, dw, g);
      Check.apart(op, dw, z);
    }
    BatchNormRules.channels(op, middle, into);
    clamps(op, into.norm());
    BatchNormRules.sumsApart(op, into, middle, g);
    if (behind != null) {
      Check.same(op, middle, behind);
      Check.apart(op, behind, middle);
      Check.apart(op, behind, g);
      Check.apart(op, behind, z);
    }
  }

  /**
   * Checks the arguments of {@link Expansions#backward}.
   *
   * @param g {@code [N, H', W', O]}, behind the projection's norm
   * @param z the projection's output, of g's shape
   * @param projection its kernel {@code [1, 1, E, O]}, and its norm with the sums of g
   * @param middle the depthwise convolution's output z2, {@code [N, H', W', E]}
   * @param behind g2, of z2's shape; null if it is not kept
   * @param depthwise its kernel {@code [k, k, E]}, and z2's norm with its sums
   * @param window of the depthwise convolution
   * @param x the expansion's input, {@code [N, H, W, C]}
   * @param inputMean of x, {@code [C]}
   * @param covariance of x, {@code [C, C]}
   * @param expanded x w {@code [N, H, W, E]} where it is kept; null if it is not
   * @param expansion its kernel {@code [1, 1, C, E]}, and z1's norm, whose sums are written
   * @param dx gradient of x, of its shape, written; null if not wanted
   */
  public static void backward(
      Tensor g,
      Tensor z,
      Expansions.ConvolutionGradient projection,
      Tensor middle,
      @Nullable Tensor behind,
      Expansions.ConvolutionGradient depthwise,
      Window window,
      Tensor x,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor expanded,
      Expansions.ConvolutionGradient expansion,
      @Nullable Tensor dx) {
    String op = "expansion backward";
    projection(op, g, z, projection, middle);
    BatchNormRules.channels(op, middle, depthwise.gradient());
    clamps(op, depthwise.gradient().norm());
    moments(op, x, inputMean, covariance);
    expansion(op, x, expansion.w(), expansion.gradient().norm());
    depthwise(op, x, expansion.w(), depthwise.w(), window, middle);
    BatchNormRules.channels(op, middle, expansion.gradient());
    BatchNormRules.sumsApart(op, expansion.gradient(), x, middle);
    gradient(op, depthwise, x, middle);
    gradient(op, expansion, x, middle);
    if (dx != null) {
      Check.same(op, x, dx);
      Check.apart(op, dx, x);
      Check.apart(op, dx, g);
      Check.apart(op, dx, z);
      Check.apart(op, dx, expansion.w());
    }
    if (behind != null) {
      Check.same(op, middle, behind);
    }
    if (expanded != null) {
      expanded(op, x, expansion.w(), expanded);
    }
  }

  private static void moments(String op, Tensor x, Tensor mean, Tensor covariance) {
    Check.channels(op, x, mean);
    square(op, x.shape().channels(), covariance);
  }

  private static void square(String op, int channels, Tensor covariance) {
    Shape shape = covariance.shape();
    if (shape.rank() != 2 || shape.get(0) != channels || shape.get(1) != channels) {
      Check.shape(op, "covariance", covariance, Shape.of(channels, channels));
    }
  }

  private static void kernel(String op, int inputs, Tensor w) {
    Shape shape = w.shape();
    if (shape.rank() != 4
        || shape.get(0) != 1
        || shape.get(1) != 1
        || shape.get(2) != inputs
        || shape.get(3) < Expansions.LEAST_CHANNELS) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: kernel must be [1, 1, %d, at least %d] (it is %s)",
              op,
              inputs,
              Expansions.LEAST_CHANNELS,
              shape));
    }
  }

  private static void expansion(String op, Tensor x, Tensor w, BatchNorm norm) {
    Check.rank(op, "input", x.shape(), 4);
    kernel(op, x.shape().channels(), w);
    BatchNormRules.channels(op, w, norm);
    clamps(op, norm);
  }

  private static void clamps(String op, BatchNorm norm) {
    if (!norm.activation().clamps()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: activation must clamp (it is %s)", op, norm.activation()));
    }
  }

  /** A tensor has the shape of x w. */
  private static void expanded(String op, Tensor x, Tensor w, Tensor expanded) {
    ConvolutionRules.output(op, x.shape(), w.shape(), Window.POINTWISE, "expansion", expanded);
  }

  /** z is the depthwise convolution of x w. */
  private static void depthwise(
      String op, Tensor x, Tensor w, Tensor kernel, Window window, Tensor z) {
    Shape image = x.shape();
    Shape shape = z.shape();
    int channels = w.shape().channels();
    if (shape.rank() != 4
        || shape.get(0) != image.get(0)
        || shape.get(1) != window.outputExtent(image.get(1))
        || shape.get(2) != window.outputExtent(image.get(2))
        || shape.get(3) != channels) {
      Check.shape(op, "output", z, window.output(image, channels));
    }
    Shape k = kernel.shape();
    if (k.rank() != 3
        || k.get(0) != window.kernel()
        || k.get(1) != window.kernel()
        || k.get(2) != channels) {
      Check.shape(
          op, "depthwise kernel", kernel, Shape.of(window.kernel(), window.kernel(), channels));
    }
  }

  private static void projection(
      String op, Tensor g, Tensor z, Expansions.ConvolutionGradient projection, Tensor middle) {
    ConvolutionRules.output(
        op, middle.shape(), projection.w().shape(), Window.POINTWISE, "output gradient", g);
    BatchNormRules.outputGradient(op, g, z, projection.gradient());
  }

  private static void gradient(
      String op, Expansions.ConvolutionGradient stage, Tensor x, Tensor middle) {
    Tensor dw = stage.dw();
    if (dw != null) {
      Check.same(op, stage.w(), dw);
      Check.apart(op, dw, stage.w());
      Check.apart(op, dw, x);
      Check.apart(op, dw, middle);
    }
  }
}
