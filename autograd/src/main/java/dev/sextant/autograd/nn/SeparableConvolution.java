package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;

/**
 * Depthwise convolution, batch norm, activation, pointwise convolution, batch norm: {@code [N, H,
 * W, in]} to {@code [N, H', W', out]}.
 */
public final class SeparableConvolution extends Module {
  private final DepthwiseConvolution depthwise;
  private final BatchNorm depthwiseNorm;
  private final Convolution pointwise;
  private final BatchNorm pointwiseNorm;

  /** A separable convolution; the window, dilated or not, is that of the depthwise part. */
  public SeparableConvolution(
      Initializer init, int in, int out, Window window, Activation activation, float epsilon) {
    depthwise = child("depthwise", new DepthwiseConvolution(init, in, window));
    depthwiseNorm = child("depthwise_norm", new BatchNorm(init, in, epsilon, activation));
    pointwise = child("pointwise", new Convolution(init, in, out, Window.POINTWISE));
    pointwiseNorm = child("pointwise_norm", new BatchNorm(init, out, epsilon, Activation.IDENTITY));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable z = depthwise.forward(tape, x);
    Variable a = depthwiseNorm.forward(tape, z);
    z.release();
    Variable u = pointwise.forward(tape, a);
    a.release();
    Variable y = pointwiseNorm.forward(tape, u);
    u.release();
    return y;
  }
}
