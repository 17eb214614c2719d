package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * This engine's ops in libtorch: images {@code [N, C, H, W]}, kernels and weights as {@link
 * TensorRole} says. Gradients of any of them: {@link Libtorch#gradients}. What is not here is one
 * line of {@link Libtorch#evaluate}.
 */
public final class TorchOps {
  private final Libtorch torch;

  /**
   * Ops of that instance, whose innermost scope holds their results.
   *
   * @param torch open; its innermost scope holds results
   */
  public TorchOps(Libtorch torch) {
    this.torch = torch;
  }

  /**
   * {@return a dense convolution without a bias}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param w kernel in libtorch's order
   * @param window kernel size, stride, padding and dilation
   */
  public NDArray conv2d(NDArray x, NDArray w, Window window) {
    return torch.evaluate("x w", LayerCode.convolution("x", "w", window, 1, "None"), x, w);
  }

  /**
   * {@return a depthwise convolution without a bias}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param w kernel in libtorch's order
   * @param window kernel size, stride, padding and dilation
   */
  public NDArray depthwise(NDArray x, NDArray w, Window window) {
    int channels = Math.toIntExact(x.getShape().get(1));
    return torch.evaluate("x w", LayerCode.convolution("x", "w", window, channels, "None"), x, w);
  }

  /**
   * {@return the matrix product of matrices}
   *
   * @param a {@code [M, K]}
   * @param b {@code [K, N]}
   */
  public NDArray matMul(NDArray a, NDArray b) {
    return torch.evaluate("a b", "torch.mm(a, b)", a, b);
  }

  /**
   * {@return x w + b with x {@code [N, in]} and w of {@link TensorRole#LINEAR}}
   *
   * @param x {@code [N, in]}
   * @param w in libtorch's order
   * @param b {@code [out]}
   */
  public NDArray linear(NDArray x, NDArray w, NDArray b) {
    return torch.evaluate("x w b", "torch.linear(x, w, b)", x, w, b);
  }

  /**
   * {@return an activation, not in place}
   *
   * @param x of any shape
   * @param activation which function
   */
  public NDArray activate(NDArray x, Activation activation) {
    return torch.evaluate("x", LayerCode.activation("x", activation, false), x);
  }

  /**
   * {@return batch norm by the batch's statistics, then an activation; no running statistics}
   *
   * @param z {@code [N, C, H, W]}
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param epsilon added to the variance
   * @param activation which function
   */
  public NDArray batchNorm(
      NDArray z, NDArray gamma, NDArray beta, double epsilon, Activation activation) {
    String norm =
        String.format(
            Locale.ROOT, "torch.batch_norm(z, g, b, None, None, True, 0.1, %s, True)", epsilon);
    return torch.evaluate("z g b", LayerCode.activation(norm, activation, false), z, gamma, beta);
  }

  /**
   * {@return maximum over the window; padding never wins}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param window kernel size, stride, padding and dilation
   */
  public NDArray maxPool(NDArray x, Window window) {
    return torch.evaluate("x", LayerCode.pool("x", true, window), x);
  }

  /**
   * {@return mean over the window's pixels inside the image}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   * @param window kernel size, stride, padding and dilation
   */
  public NDArray avgPool(NDArray x, Window window) {
    return torch.evaluate("x", LayerCode.pool("x", false, window), x);
  }

  /**
   * {@return mean over height and width: {@code [N, C]}}
   *
   * @param x images {@code [N, C, H, W]} in libtorch's order
   */
  public NDArray globalAvgPool(NDArray x) {
    return torch.evaluate("x", "torch.mean(x, [2, 3])", x);
  }

  /**
   * {@return mean softmax cross-entropy, a scalar}
   *
   * @param logits {@code [N, K]}
   * @param labels from {@link Libtorch#labels}
   * @param smoothing of the labels, in [0, 1]
   */
  public NDArray softmaxCrossEntropy(NDArray logits, NDArray labels, float smoothing) {
    return torch.evaluate("x t0", crossEntropy("x", "t0", smoothing), logits, labels);
  }

  static String crossEntropy(String logits, String labels, float smoothing) {
    return String.format(
        Locale.ROOT,
        "torch.cross_entropy_loss(%s, %s, None, 1, -100, %s)",
        logits,
        labels,
        (double) smoothing);
  }
}
