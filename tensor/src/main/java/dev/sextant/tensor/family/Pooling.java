package dev.sextant.tensor.family;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;

/**
 * Poolings of images {@code [N, H, W, C]}, and their gradients. Outputs share no elements with
 * inputs.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Pooling {
  /**
   * Maximum over the window; padding never wins.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   * @param out written, {@code [N, H', W', C]}
   */
  void max(Tensor x, Window window, Tensor out);

  /**
   * dx from dy; the gradient goes to the first maximum of each window in row-major order.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx);

  /**
   * Mean over the window's pixels inside the image (padding not counted).
   *
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   * @param out written, {@code [N, H', W', C]}
   */
  void average(Tensor x, Window window, Tensor out);

  /**
   * dx from dy.
   *
   * @param dy {@code [N, H', W', C]}
   * @param window kernel size, stride, padding and dilation
   * @param dx written, {@code [N, H, W, C]}
   */
  void averageBackward(Tensor dy, Window window, Tensor dx);

  /**
   * Mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}.
   *
   * @param x the input {@code [N, H, W, C]}
   * @param out written, {@code [N, C]}
   */
  void globalAverage(Tensor x, Tensor out);

  /**
   * dx {@code [N, H, W, C]} from dy {@code [N, C]}.
   *
   * @param dy {@code [N, C]}
   * @param dx written, {@code [N, H, W, C]}
   */
  void globalAverageBackward(Tensor dy, Tensor dx);
}
