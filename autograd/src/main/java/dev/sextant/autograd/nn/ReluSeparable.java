package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * ReLU, depthwise convolution, pointwise convolution, batch norm: the dilated convolution of DARTS,
 * and one half of its separable convolution.
 */
public final class ReluSeparable extends Module {
  private final DepthwiseConvolution depthwise;
  private final Convolution pointwise;
  private final BatchNorm norm;

  /**
   * The window is that of the depthwise part; {@code affine} as {@link BatchNorm} has it.
   *
   * @param init draws the weights, on its backend
   * @param channels of the input and the output
   * @param window kernel size, stride, padding and dilation
   * @param epsilon added to the variance by the batch norms
   * @param affine whether the batch norms train a scale and an offset, as {@link BatchNorm} has it
   */
  public ReluSeparable(
      Initializer init, int channels, Window window, float epsilon, boolean affine) {
    depthwise = child("depthwise", new DepthwiseConvolution(init, channels, window));
    pointwise = child("pointwise", new Convolution(init, channels, channels, Window.POINTWISE));
    norm = child("norm", new BatchNorm(init, channels, epsilon, Activation.IDENTITY, affine));
  }

  /**
   * {@return the separable convolution of DARTS: this twice, of which the first has the stride}
   *
   * @param init draws the weights, on its backend
   * @param channels of the input and the output
   * @param kernel odd extent of the depthwise windows
   * @param stride of the first of the two
   * @param epsilon added to the variance by the batch norms
   * @param affine whether the batch norms train a scale and an offset, as {@link BatchNorm} has it
   */
  public static Sequential twice(
      Initializer init, int channels, int kernel, int stride, float epsilon, boolean affine) {
    return new Sequential(
        List.of(
            new ReluSeparable(init, channels, Window.same(kernel, stride), epsilon, affine),
            new ReluSeparable(init, channels, Window.same(kernel, 1), epsilon, affine)));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable h = Activate.apply(tape, x, Activation.RELU);
    Variable u = depthwise.forward(tape, h);
    h.release();
    Variable z = pointwise.forward(tape, u);
    u.release();
    Variable y = norm.forward(tape, z);
    z.release();
    return y;
  }
}
