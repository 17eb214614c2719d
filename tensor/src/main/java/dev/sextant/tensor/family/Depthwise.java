package dev.sextant.tensor.family;

import dev.sextant.tensor.Activation;
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
  /** out = activation(depthwise(x, w) + bias), where bias {@code [C]} may be absent. */
  void forward(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out);

  /** dx = the gradient with respect to the input. */
  void backwardData(Tensor dy, Tensor w, Window window, Tensor dx);

  /** dw {@code [k, k, C]} = the gradient with respect to the kernel. */
  void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw);
}
