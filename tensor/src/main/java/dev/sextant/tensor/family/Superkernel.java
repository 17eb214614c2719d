package dev.sextant.tensor.family;

import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Tensor;

/**
 * Depthwise kernels that hold smaller ones, and the gates that choose among them (Single-Path NAS,
 * Stamoulis et al., 2019).
 *
 * <p>Confined to the thread of its backend.
 */
public interface Superkernel {
  /**
   * The gates of a depthwise superkernel and the kernel that they leave (Single-Path NAS, eq. 1 to
   * 4). A gate is open, and has its scale as its value, where norm - threshold >= 0, and is 0 else.
   * The norm of a shell is the root mean square of its weights, that of a group of channels is of
   * the weights as the shells' gates leave them. A weight is multiplied by the gates of its shell
   * and of all shells inside it, and by those of its group and of all groups before it but the
   * first, which stands for the layer ({@link Nesting}).
   *
   * <p>The paper takes the sum of squares; its square root over their number makes thresholds of
   * layers of any size alike, and keeps the derivative below from vanishing.
   *
   * @param w {@code [k, k, C]}
   * @param thresholds one for each gate
   * @param scales one for each gate: 1, or what dropout made of it
   * @param nesting kernel sizes and channels inside w, and its gates
   * @param gates written, one for each gate
   * @param effective written, of w's shape
   */
  void forward(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective);

  /**
   * Gradients of {@link #forward}, straight through: a gate's derivative with respect to its norm
   * is scale sigmoid'(norm - threshold), to its threshold the negative of that.
   *
   * @param w {@code [k, k, C]}, the largest kernel
   * @param thresholds one for each gate
   * @param scales what an open gate has as its value, one for each gate
   * @param nesting kernel sizes and channels inside w, and its gates
   * @param dgates gradients of the gates, from what else reads them, such as the runtime
   * @param deffective gradient of the effective kernel
   * @param dw written, of w's shape
   * @param dthresholds written, one for each gate
   */
  void backward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds);
}
