package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;

/** A convolution, dense or depthwise, followed by batch norm and an activation. */
public final class NormalizedConvolution extends Module {
  private final Module convolution;
  private final BatchNorm norm;

  /** A convolution without a bias, and its norm. */
  public NormalizedConvolution(Module convolution, BatchNorm norm) {
    this.convolution = child("convolution", convolution);
    this.norm = child("norm", norm);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable z = convolution.forward(tape, x);
    Variable y = norm.forward(tape, z);
    z.release();
    return y;
  }
}
