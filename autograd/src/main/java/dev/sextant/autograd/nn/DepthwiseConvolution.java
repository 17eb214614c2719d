package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;

/** One kernel for each channel, {@code [N, H, W, C]} to {@code [N, H', W', C]}; no bias. */
public final class DepthwiseConvolution extends Module {
  private final Parameter weight;
  private final Window window;

  /** A depthwise convolution of that many channels. */
  public DepthwiseConvolution(Initializer init, int channels, Window window) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, channels), k * k * channels));
    this.window = window;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return Depthwise.apply(tape, x, weight, window);
  }
}
