package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;

/**
 * This engine's ops in libtorch: images {@code [N, C, H, W]}, kernels and weights as {@link
 * TensorRole} says. Gradients of any of them: {@link Libtorch#gradients}. What is not here is one
 * line of {@link Libtorch#evaluate}.
 */
public final class TorchOps {
  private final Libtorch torch;

  /** Ops of that instance, whose innermost scope holds their results. */
  public TorchOps(Libtorch torch) {
    this.torch = torch;
  }

  /** A dense convolution without a bias. */
  public NDArray conv2d(NDArray x, NDArray w, Window window) {
    return torch.evaluate("x w", LayerCode.convolution("x", "w", window, 1, "None"), x, w);
  }

  /** A depthwise convolution without a bias. */
  public NDArray depthwise(NDArray x, NDArray w, Window window) {
    int channels = Math.toIntExact(x.getShape().get(1));
    return torch.evaluate("x w", LayerCode.convolution("x", "w", window, channels, "None"), x, w);
  }

  /** The matrix product of matrices. */
  public NDArray matMul(NDArray a, NDArray b) {
    return torch.evaluate("a b", "torch.mm(a, b)", a, b);
  }

  /** x w + b with x {@code [N, in]} and w of {@link TensorRole#LINEAR}. */
  public NDArray linear(NDArray x, NDArray w, NDArray b) {
    return torch.evaluate("x w b", "torch.linear(x, w, b)", x, w, b);
  }

  /** An activation, not in place. */
  public NDArray activate(NDArray x, Activation activation) {
    return torch.evaluate("x", LayerCode.activation("x", activation, false), x);
  }

  /** Batch norm by the batch's statistics, then an activation; no running statistics. */
  public NDArray batchNorm(
      NDArray z, NDArray gamma, NDArray beta, double epsilon, Activation activation) {
    String norm = "torch.batch_norm(z, g, b, None, None, True, 0.1, %s, True)".formatted(epsilon);
    return torch.evaluate("z g b", LayerCode.activation(norm, activation, false), z, gamma, beta);
  }

  /** Maximum over the window; padding never wins. */
  public NDArray maxPool(NDArray x, Window window) {
    return torch.evaluate("x", LayerCode.pool("x", true, window), x);
  }

  /** Mean over the window's pixels inside the image. */
  public NDArray avgPool(NDArray x, Window window) {
    return torch.evaluate("x", LayerCode.pool("x", false, window), x);
  }

  /** Mean over height and width: {@code [N, C]}. */
  public NDArray globalAvgPool(NDArray x) {
    return torch.evaluate("x", "torch.mean(x, [2, 3])", x);
  }

  /**
   * Mean softmax cross-entropy, a scalar.
   *
   * @param labels from {@link Libtorch#labels}
   */
  public NDArray softmaxCrossEntropy(NDArray logits, NDArray labels, float smoothing) {
    return torch.evaluate("x t0", crossEntropy("x", "t0", smoothing), logits, labels);
  }

  static String crossEntropy(String logits, String labels, float smoothing) {
    return "torch.cross_entropy_loss(%s, %s, None, 1, -100, %s)"
        .formatted(logits, labels, (double) smoothing);
  }
}
