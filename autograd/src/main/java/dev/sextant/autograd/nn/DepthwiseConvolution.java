package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.AddBias;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** One kernel for each channel, {@code [N, H, W, C]} to {@code [N, H', W', C]}. */
public final class DepthwiseConvolution extends Module {
  private final Parameter weight;
  private final @Nullable Parameter bias;
  private final Window window;

  /** A depthwise convolution of that many channels, without a bias: a batch norm follows. */
  public DepthwiseConvolution(Initializer init, int channels, Window window) {
    this(init, channels, window, false);
  }

  /** A depthwise convolution of that many channels; with a bias where no batch norm follows. */
  public DepthwiseConvolution(Initializer init, int channels, Window window, boolean withBias) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, channels), k * k * channels));
    bias = withBias ? parameter("bias", init.constant(channels, 0, Parameter.Role.BIAS)) : null;
    this.window = window;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable z = Depthwise.apply(tape, x, weight, window);
    if (bias == null) {
      return z;
    }
    Variable y = AddBias.apply(tape, z, bias);
    z.release();
    return y;
  }
}
