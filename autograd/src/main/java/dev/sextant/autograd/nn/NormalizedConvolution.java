package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.NormalizedChain;
import java.util.List;

/** A convolution, dense or depthwise, followed by batch norm and an activation. */
public final class NormalizedConvolution extends Module {
  private final List<NormalizedChain.ConvNorm> stages;

  /**
   * A dense convolution without a bias, and its norm.
   *
   * @param convolution without a bias
   * @param norm of as many channels as the convolution has outputs
   */
  public NormalizedConvolution(Convolution convolution, BatchNorm norm) {
    stages = List.of(convolution.before(norm));
    child("convolution", convolution);
    child("norm", norm);
  }

  /**
   * A depthwise convolution without a bias, and its norm.
   *
   * @param convolution without a bias
   * @param norm of as many channels as the convolution has outputs
   */
  public NormalizedConvolution(DepthwiseConvolution convolution, BatchNorm norm) {
    stages = List.of(convolution.before(norm));
    child("convolution", convolution);
    child("norm", norm);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return NormalizedChain.apply(tape, x, stages, null);
  }
}
