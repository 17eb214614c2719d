package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.AddBias;
import dev.sextant.tensor.Activation;
import org.jspecify.annotations.Nullable;

/** What follows a convolution that no batch norm follows: a bias and an activation. */
final class BiasActivation {
  private BiasActivation() {}

  /** activation(z + bias); z itself where there is no bias. Releases z if it is not the result. */
  static Variable apply(Tape tape, Variable z, @Nullable Parameter bias, Activation activation) {
    if (bias == null) {
      return z;
    }
    Variable sum = AddBias.apply(tape, z, bias);
    z.release();
    if (activation == Activation.IDENTITY) {
      return sum;
    }
    Variable y = Activate.apply(tape, sum, activation);
    sum.release();
    return y;
  }
}
