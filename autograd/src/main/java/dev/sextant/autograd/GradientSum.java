package dev.sextant.autograd;

import dev.sextant.tensor.Tensor;

/** Where gradients add up: in place if nobody else reads what is held, in a new tensor if so. */
final class GradientSum {
  private GradientSum() {}

  /** Adds to a variable's gradient, on the tape that is run backward. */
  static void add(Tape tape, Variable variable, Tensor gradient) {
    Tensor held = variable.gradient();
    if (held == null) {
      variable.setGradient(place(tape, variable, gradient));
    } else if (!held.isShared()) {
      tape.backend().elementwise().axpy(1, gradient, held);
      gradient.close();
    } else {
      Tensor sum = gradient.isShared() ? tape.gradientLike(variable, "gradient") : gradient;
      tape.backend().elementwise().add(held, gradient, sum);
      if (sum != gradient) {
        gradient.close();
      }
      held.close();
      variable.setGradient(place(tape, variable, sum));
    }
  }

  /** Gives a gradient the lifetime of its variable. */
  private static Tensor place(Tape tape, Variable variable, Tensor gradient) {
    if (variable instanceof Parameter) {
      Tensor own = gradient;
      if (gradient.isShared()) {
        // Clipping and optimizers write to it, and it is counted among the gradients.
        own = tape.gradientLike(variable, "gradient");
        tape.backend().elementwise().copy(gradient, own);
        gradient.close();
      }
      return tape.backend().memory().keep(own);
    }
    Tape owner = variable.tape();
    return owner == null || owner == tape ? gradient : owner.adopt(gradient);
  }
}
