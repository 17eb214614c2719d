package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** One kernel for each channel, {@code [N, H, W, C]} to {@code [N, H', W', C]}. */
public final class DepthwiseConvolution extends Module {
  private final Parameter weight;
  private final @Nullable Parameter bias;
  private final Window window;
  private final Activation activation;

  /**
   * A convolution alone: a batch norm follows.
   *
   * @param init draws the weights, on its backend
   * @param channels of the input and the output
   * @param window kernel size, stride, padding and dilation
   */
  public DepthwiseConvolution(Initializer init, int channels, Window window) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, channels), k * k * channels));
    this.window = window;
    bias = null;
    activation = Activation.IDENTITY;
  }

  /**
   * A convolution with a bias and an activation.
   *
   * @param init draws the weights, on its backend
   * @param channels of the input and the output
   * @param window kernel size, stride, padding and dilation
   * @param activation applied behind it
   */
  public DepthwiseConvolution(
      Initializer init, int channels, Window window, Activation activation) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, channels), k * k * channels));
    this.window = window;
    bias = parameter("bias", init.constant(channels, 0, Parameter.Role.BIAS));
    this.activation = activation;
  }

  /**
   * {@return this convolution with a norm behind it; without a bias}
   *
   * @param norm of as many channels
   */
  public NormalizedChain.ConvNorm before(BatchNorm norm) {
    if (bias != null || activation != Activation.IDENTITY) {
      throw new IllegalArgumentException("a bias and an activation stand before the batch norm");
    }
    return norm.behind(weight, window);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return BiasActivation.apply(tape, Depthwise.apply(tape, x, weight, window), bias, activation);
  }
}
