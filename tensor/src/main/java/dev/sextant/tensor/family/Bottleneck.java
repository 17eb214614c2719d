package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * The memory-frugal block: convolutions that read and write through batch normalisation.
 *
 * <p>A network in training is raw convolution outputs z, joined by norms: x = norm(z) below means
 * activation(gamma (z - mean) / sqrt(variance + epsilon) + beta). These kernels apply the norm
 * while they load, so that only z is kept, and find its statistics or its gradient's sums while
 * they store. The gradient dz of a norm's input is never stored either: it is read from g = dy
 * activation'(norm(z)), z and the sums dgamma and dbeta as {@link BatchNormalization#backward} has
 * it. {@link ComposedBottleneck} does the same in several passes.
 *
 * <p>Images are {@code [N, H, W, C]}, kernels those of {@link Convolution} and {@link Depthwise}.
 * Outputs share no elements with inputs. Confined to the thread of its backend.
 */
public interface Bottleneck {
  /**
   * z = conv(norm(x), w), and mean[c] and variance[c] (biased) of z[.., c].
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; absent: x as it is
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param mean written, {@code [C']}
   * @param variance written, biased, {@code [C']}
   */
  void convolution(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance);

  /**
   * {@link BatchNormalization#innerProduct} of dy with the batch norm of z = conv(norm(x), w),
   * where z is not kept: the gate gradient of a candidate that ends in a convolution and its norm.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; absent: x as it is
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param dy gradient behind z's norm, of z's shape
   * @param gamma scale of z's norm, {@code [C']}
   * @param beta offset of z's norm, {@code [C']}
   * @param epsilon added to the variance of z
   * @param shift about the mean of z, {@code [C']}
   * @return the inner product, summed in double
   */
  double convolutionInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift);

  /**
   * The gradient with respect to the input of z = conv(norm(x), w), from g and z of its output's
   * norm.
   *
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param w {@code [k, k, C, C']}
   * @param window kernel size, stride, padding and dilation
   * @param x the convolution's input before its norm; absent where {@code into} is
   * @param into the gradient of x's norm, whose sums are written; absent where the convolution read
   *     x as it is
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is absent
   */
  void convolutionBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx);

  /**
   * dw = the gradient with respect to the kernel of z = conv(norm(x), w), from g and z of its
   * output's norm.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; absent: x as it is
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param window kernel size, stride, padding and dilation
   * @param dw gradient of w, written
   */
  void convolutionBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw);

  /**
   * As {@link #convolution}, with a depthwise convolution by w {@code [k, k, C]}.
   *
   * @param x the convolution's input before its norm, {@code [N, H, W, C]}
   * @param norm of x; null: x as it is
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param mean written, {@code [C']}
   * @param variance written, biased, {@code [C']}
   */
  void depthwise(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance);

  /**
   * Both gradients of z = depthwise(norm(x), w), from g and z of its output's norm, in one pass
   * over them.
   *
   * @param g as {@link BatchNormalization#reduce} leaves it, of z's shape
   * @param z the convolution's output before its norm, {@code [N, H', W', C']}
   * @param gradient of z's norm, its sums already there
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param x the convolution's input before its norm; may be absent if neither its norm nor {@code
   *     dw} is there
   * @param into the gradient of x's norm, whose sums are written if {@code gx} is wanted; absent
   *     where the convolution read x as it is
   * @param dw the gradient of w; null if not wanted
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is absent; null if not
   *     wanted
   */
  void depthwiseBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx);

  /**
   * {@return kernels of bottlenecks that make an expansion again; null where keeping it is faster}
   */
  @Nullable Expansions expansions();

  /**
   * A block of a trained network, whose parts nothing else reads: middle =
   * act2(depthwise(act1(conv(x, expand))), kernel), each with its bias, and out = middle or, where
   * there is a projection, conv(middle, project) + residual.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param expand pointwise, of {@link Convolution#fix}
   * @param first act1
   * @param kernel of {@link Depthwise#fix}
   * @param second act2
   * @param project pointwise, of {@link Convolution#fix}; null for none
   * @param residual of out's shape, where there is a projection; null for none
   * @param out written, {@code [N, H', W', C]}
   */
  void expanded(
      Tensor x,
      FixedKernel expand,
      Activation first,
      FixedKernel kernel,
      Activation second,
      @Nullable FixedKernel project,
      @Nullable Tensor residual,
      Tensor out);
}
