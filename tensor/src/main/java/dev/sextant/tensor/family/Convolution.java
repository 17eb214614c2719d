package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
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
