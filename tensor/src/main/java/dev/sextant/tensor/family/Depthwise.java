package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution of images {@code [N, H, W, C]} by kernels {@code [k, k, C]}, and its
 * gradients. Outputs share no elements with inputs.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Depthwise {
  /**
   * out = activation(depthwise(x, w) + bias), where bias {@code [C]} may be absent.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param bias {@code [C]}; null for none
   * @param activation applied to the sum with the bias
   * @param out written, {@code [N, H', W', C]}
   */
  void forward(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out);

  /**
   * {@return a kernel and its bias as the forward pass of this device reads them best; the caller
   * closes it, and may close both tensors before} As they are, unless a device overrides it.
   *
   * @param w {@code [k, k, C]}
   * @param bias {@code [C]}
   * @param window kernel size, stride, padding and dilation
   */
  default FixedKernel fix(Tensor w, Tensor bias, Window window) {
    DepthwiseRules.fix(w, bias, window);
    return new FixedKernel(w.shape(), window, w.share(), bias.share(), 1);
  }

  /**
   * out = activation(depthwise(x, kernel) + its bias).
   *
   * @param x the input {@code [N, H, W, C]}
   * @param kernel of {@link #fix}, of this device
   * @param activation applied to the sum with the bias
   * @param out written, {@code [N, H', W', C]}
   */
  default void forward(Tensor x, FixedKernel kernel, Activation activation, Tensor out) {
    forward(x, kernel.values(), kernel.window(), kernel.bias(), activation, out);
  }

  /**
   * dx = the gradient with respect to the input.
   *
   * @param dy {@code [N, H', W', C]}
   * @param w {@code [k, k, C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  void backwardData(Tensor dy, Tensor w, Window window, Tensor dx);

  /**
   * dw {@code [k, k, C]} = the gradient with respect to the kernel.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dw written, of w's shape
   */
  void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw);
}
