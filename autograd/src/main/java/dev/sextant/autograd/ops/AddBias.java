package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/** y[.., c] = x[.., c] + bias[c]. */
public final class AddBias {
  private AddBias() {}

  /** The sum with a per-channel vector {@code [C]}. */
  public static Variable apply(Tape tape, Variable x, Variable bias) {
    Tensor y = tape.output(x.shape(), "add_bias");
    tape.backend().addBias(x.value(), bias.value(), y);
    return tape.record(
        "add_bias",
        y,
        new Variable[] {x, bias},
        new Variable[0],
        dy -> {
          if (bias.requiresGradient()) {
            Tensor db = tape.gradientLike(bias, "add_bias.gradient");
            tape.backend().channelSum(dy, db);
            tape.accumulate(bias, db);
          }
          tape.accumulate(x, dy.share());
        });
  }
}
