package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;

/** ReLU, convolution, batch norm: what brings the inputs of a DARTS cell to its width. */
public final class ReluConvolution extends Module {
  private final Convolution convolution;
  private final BatchNorm norm;

  /**
   * With {@code affine} as {@link BatchNorm} has it.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param epsilon added to the variance by the batch norms
   * @param affine whether the batch norms train a scale and an offset, as {@link BatchNorm} has it
   */
  public ReluConvolution(
      Initializer init, int in, int out, Window window, float epsilon, boolean affine) {
    convolution = child("convolution", new Convolution(init, in, out, window));
    norm = child("norm", new BatchNorm(init, out, epsilon, Activation.IDENTITY, affine));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable h = Activate.apply(tape, x, Activation.RELU);
    Variable z = convolution.forward(tape, h);
    h.release();
    Variable y = norm.forward(tape, z);
    z.release();
    return y;
  }
}
