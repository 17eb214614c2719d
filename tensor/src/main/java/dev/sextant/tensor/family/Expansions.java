package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * An inverted bottleneck in training whose widest tensor is never in memory: x is expanded by a
 * pointwise convolution to z1 = x w, which goes through its norm into a depthwise convolution, z2 =
 * depthwise(norm(z1), kernel), and that through its norm into a pointwise projection.
 *
 * <p>Where memory is slower than arithmetic, making z1 again from x, which has a third or a sixth
 * of its channels, is faster than writing and reading it. What that needs:
 *
 * <ul>
 *   <li>the statistics of z1 before there is any: its mean is that of x times w, its variance
 *       diag(w' C w) with the covariance C of x, which all candidates on the same x share;
 *   <li>the gradients of w and x while the gradient g1 behind z1's norm is in the cache, although
 *       they depend on sums of g1 over the whole batch. With s = gamma / sqrt(variance + epsilon)
 *       and r = 1 / sqrt(variance + epsilon), dz1 = s (g1 - dbeta / n - (z1 - mean) r dgamma / n),
 *       and z1 - mean is linear in x: x' dz1 = s (x' g1 - mean(x) dbeta - C w r dgamma), and dz1 w'
 *       = (s g1) w' plus a vector and a small matrix times x, which are added at the end.
 * </ul>
 *
 * <p>Activations clamp (identity, ReLU, ReLU6), channels of z1 are at least {@link
 * #LEAST_CHANNELS}. Tensors of a call share no elements. What does not fit (a shape, fewer
 * channels, another activation, an output that shares elements with an input) is a {@link
 * SextantException} that names the operation and both sides. Confined to the thread of its backend.
 */
public interface Expansions {
  /** Fewest channels that an expansion may have. */
  int LEAST_CHANNELS = 16;

  /**
   * A convolution and the norm behind it in the backward pass. Reusable, as {@link BatchNorm} is.
   * Confined to one thread.
   */
  final class ConvolutionGradient {
    private Tensor w;
    private NormGradient gradient;
    private @Nullable Tensor dw;

    /**
     * See {@link #set}.
     *
     * @param w of the convolution
     * @param gradient of the norm
     * @param dw the gradient of w, written; null where it is not wanted
     */
    public ConvolutionGradient(Tensor w, NormGradient gradient, @Nullable Tensor dw) {
      this.w = w;
      this.gradient = gradient;
      this.dw = dw;
    }

    /**
     * Makes these its parts.
     *
     * @param w of the convolution
     * @param gradient of the norm
     * @param dw the gradient of w, written; absent where it is not wanted
     * @return this
     */
    public ConvolutionGradient set(Tensor w, NormGradient gradient, @Nullable Tensor dw) {
      this.w = w;
      this.gradient = gradient;
      this.dw = dw;
      return this;
    }

    /** {@return the kernel of the convolution} */
    public Tensor w() {
      return w;
    }

    /** {@return the gradient of the norm} */
    public NormGradient gradient() {
      return gradient;
    }

    /** {@return where the gradient of w is written; null where it is not wanted} */
    public @Nullable Tensor dw() {
      return dw;
    }
  }

  /**
   * {@return whether a bottleneck on x is faster this way than convolution by convolution; where it
   * is not, these methods work all the same}
   *
   * @param x {@code [N, H, W, C]}
   */
  boolean pays(Shape x);

  /**
   * {@return whether a product of x with a matrix is better made again than kept, for speed as for
   * memory}
   *
   * @param x {@code [N, H, W, C]}
   */
  boolean repeats(Shape x);

  /**
   * The mean {@code [C]} and the biased covariance {@code [C, C]} of the pixels of x {@code [..,
   * C]}; zeros of an empty tensor.
   *
   * @param x {@code [.., C]}
   * @param mean written, {@code [C]}
   * @param covariance written, {@code [C, C]}
   */
  void covariance(Tensor x, Tensor mean, Tensor covariance);

  /**
   * The statistics of x w from those of x.
   *
   * @param inputMean of x, {@code [C]}
   * @param covariance of x, {@code [C, C]}
   * @param w {@code [1, 1, C, E]}
   * @param mean written, {@code [E]}
   * @param variance written, biased, {@code [E]}
   */
  void moments(Tensor inputMean, Tensor covariance, Tensor w, Tensor mean, Tensor variance);

  /**
   * z = depthwise(norm(x w), kernel), and mean[c] and variance[c] (biased) of z[.., c].
   *
   * @param x {@code [N, H, W, C]}
   * @param w {@code [1, 1, C, E]}
   * @param norm of x w
   * @param expanded where x w is kept, {@code [N, H, W, E]}; null if it is not
   * @param kernel {@code [k, k, E]}
   * @param window of the depthwise convolution
   * @param z {@code [N, H', W', E]}
   * @param mean written, {@code [E]}
   * @param variance written, biased, {@code [E]}
   */
  void depthwise(
      Tensor x,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor expanded,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance);

  /**
   * The first half of the backward pass: the gradient of the projection's kernel, and g2 behind
   * z2's norm with its sums.
   *
   * @param g {@code [N, H', W', O]}, behind the projection's norm
   * @param z the projection's output, of g's shape
   * @param projection its kernel {@code [1, 1, E, O]}, and its norm with the sums of g
   * @param middle z2, {@code [N, H', W', E]}
   * @param into z2's norm, whose sums are written
   * @param behind g2, of z2's shape; null if it is not to be kept
   */
  void reduceProjection(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      NormGradient into,
      @Nullable Tensor behind);

  /**
   * The second half: the gradients of the depthwise kernel, of the expansion's, of its norm and of
   * x.
   *
   * @param g as in {@link #reduceProjection}
   * @param z as there
   * @param projection as there; its dw is not looked at
   * @param middle z2
   * @param behind g2 if it was kept
   * @param depthwise its kernel {@code [k, k, E]}, and z2's norm with its sums
   * @param window of the depthwise convolution
   * @param x {@code [N, H, W, C]}
   * @param inputMean of x
   * @param covariance of x
   * @param expanded z1 if it was kept
   * @param expansion its kernel {@code [1, 1, C, E]}, and z1's norm, whose sums are written
   * @param dx of x's shape; null if not wanted
   */
  void backward(
      Tensor g,
      Tensor z,
      ConvolutionGradient projection,
      Tensor middle,
      @Nullable Tensor behind,
      ConvolutionGradient depthwise,
      Window window,
      Tensor x,
      Tensor inputMean,
      Tensor covariance,
      @Nullable Tensor expanded,
      ConvolutionGradient expansion,
      @Nullable Tensor dx);
}
