package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * Dense convolution of images {@code [N, H, W, Cin]} by kernels {@code [k, k, Cin, Cout]}, and its
 * gradients. Outputs share no elements with inputs.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Convolution {
  /**
   * out = activation(conv(x, w) + bias) + residual, where bias {@code [Cout]} and residual (of
   * out's shape) may be absent. A pointwise window makes it one GEMM over the pixels.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param bias {@code [Cout]}; null for none
   * @param activation applied to the sum with the bias
   * @param residual added at the end, of out's shape; null for none
   * @param out written, {@code [N, H', W', Cout]}
   */
  void forward(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out);

  /**
   * {@return a kernel and its bias as the forward pass of this device reads them best; the caller
   * closes it, and may close both tensors before} As they are, unless a device overrides it.
   *
   * @param w {@code [k, k, Cin, Cout]}
   * @param bias {@code [Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param x of the images it will be applied to, {@code [N, H, W, Cin]}
   * @param threads of the backends that will apply it
   */
  default FixedKernel fix(Tensor w, Tensor bias, Window window, Shape x, int threads) {
    ConvolutionRules.fix(w, bias, window, x);
    return new FixedKernel(w.shape(), window, w.share(), bias.share(), 1);
  }

  /**
   * out = activation(conv(x, kernel) + its bias) + residual, where the residual may be absent.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param kernel of {@link #fix}, of this device
   * @param activation applied to the sum with the bias
   * @param residual added at the end, of out's shape; null for none
   * @param out written, {@code [N, H', W', Cout]}
   */
  default void forward(
      Tensor x, FixedKernel kernel, Activation activation, @Nullable Tensor residual, Tensor out) {
    forward(x, kernel.values(), kernel.window(), kernel.bias(), activation, residual, out);
  }

  /**
   * dx = the gradient with respect to the input, from dy {@code [N, H', W', Cout]}.
   *
   * @param dy {@code [N, H', W', Cout]}
   * @param w {@code [k, k, Cin, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, Cin]}
   */
  void backwardData(Tensor dy, Tensor w, Window window, Tensor dx);

  /**
   * dw = the gradient with respect to the kernel.
   *
   * @param x {@code [N, H, W, Cin]}
   * @param dy {@code [N, H', W', Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param dw written, of w's shape
   */
  void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw);
}
