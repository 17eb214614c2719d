package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.AddBias;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import org.jspecify.annotations.Nullable;

/** A dense convolution, {@code [N, H, W, in]} to {@code [N, H', W', out]}. */
public final class Convolution extends Module {
  private final Parameter weight;
  private final @Nullable Parameter bias;
  private final Window window;

  /** A convolution; with a bias where no batch norm follows. */
  public Convolution(Initializer init, int in, int out, Window window, boolean withBias) {
    int k = window.kernel();
    weight = parameter("weight", init.heFanOut(Shape.of(k, k, in, out), k * k * out));
    bias = withBias ? parameter("bias", init.constant(out, 0, Parameter.Role.BIAS)) : null;
    this.window = window;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable z = Conv2d.apply(tape, x, weight, window);
    if (bias == null) {
      return z;
    }
    Variable y = AddBias.apply(tape, z, bias);
    z.release();
    return y;
  }
}
