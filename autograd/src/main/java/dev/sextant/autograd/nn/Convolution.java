package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.GroupedConv2d;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** A dense or grouped convolution, {@code [N, H, W, in]} to {@code [N, H', W', out]}. */
public final class Convolution extends Module {
  private final Parameter weight;
  private final @Nullable Parameter bias;
  private final Window window;
  private final int groups;
  private final Activation activation;

  /**
   * A convolution alone: a batch norm follows.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   */
  public Convolution(Initializer init, int in, int out, Window window) {
    this(init, in, out, window, 1, false, Activation.IDENTITY);
  }

  /**
   * A convolution with a bias and an activation.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param activation applied behind it
   */
  public Convolution(Initializer init, int in, int out, Window window, Activation activation) {
    this(init, in, out, window, 1, true, activation);
  }

  /**
   * A convolution.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param groups parts of the channels, each output reading its own part
   * @param biased whether it has a bias
   * @param activation behind the bias; the identity where there is none
   */
  public Convolution(
      Initializer init,
      int in,
      int out,
      Window window,
      int groups,
      boolean biased,
      Activation activation) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, in / groups, out), k * k * out));
    this.window = window;
    this.groups = groups;
    bias = biased ? parameter("bias", init.constant(out, 0, Parameter.Role.BIAS)) : null;
    this.activation = activation;
  }

  /**
   * {@return this convolution with a norm behind it; without a bias}
   *
   * @param norm of as many channels as this has outputs
   */
  public NormalizedChain.ConvNorm before(BatchNorm norm) {
    if (bias != null || activation != Activation.IDENTITY || groups > 1) {
      throw new IllegalArgumentException(
          "a bias, an activation or groups stand before the batch norm");
    }
    return norm.behind(weight, window);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable z =
        groups == 1
            ? Conv2d.apply(tape, x, weight, window)
            : GroupedConv2d.apply(tape, x, weight, window, groups);
    return BiasActivation.apply(tape, z, bias, activation);
  }
}
