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
  /** Maximum over the window; padding never wins. */
  void max(Tensor x, Window window, Tensor out);

  /** dx from dy; the gradient goes to the first maximum of each window in row-major order. */
  void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx);

  /** Mean over the window's pixels inside the image (padding not counted). */
  void average(Tensor x, Window window, Tensor out);

  /** dx from dy. */
  void averageBackward(Tensor dy, Window window, Tensor dx);

  /** Mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}. */
  void globalAverage(Tensor x, Tensor out);

  /** dx {@code [N, H, W, C]} from dy {@code [N, C]}. */
  void globalAverageBackward(Tensor dy, Tensor dx);
}
