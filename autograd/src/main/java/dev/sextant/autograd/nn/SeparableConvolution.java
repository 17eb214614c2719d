package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * Depthwise convolution, batch norm, activation, pointwise convolution, batch norm: {@code [N, H,
 * W, in]} to {@code [N, H', W', out]}.
 */
public final class SeparableConvolution extends Module {
  private final List<NormalizedChain.ConvNorm> stages;

  /**
   * A separable convolution; the window, dilated or not, is that of the depthwise part.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param activation applied behind it
   * @param epsilon added to the variance by the batch norms
   */
  public SeparableConvolution(
      Initializer init, int in, int out, Window window, Activation activation, float epsilon) {
    var depthwise = child("depthwise", new DepthwiseConvolution(init, in, window));
    var depthwiseNorm = child("depthwise_norm", new BatchNorm(init, in, epsilon, activation));
    var pointwise = child("pointwise", new Convolution(init, in, out, Window.POINTWISE));
    var pointwiseNorm =
        child("pointwise_norm", new BatchNorm(init, out, epsilon, Activation.IDENTITY));
    stages = List.of(depthwise.before(depthwiseNorm), pointwise.before(pointwiseNorm));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return NormalizedChain.apply(tape, x, stages, null);
  }
}
