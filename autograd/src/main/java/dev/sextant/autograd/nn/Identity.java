package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.tensor.Tensor;

/**
 * y = x: what remains of a block that is skipped. Another handle to the same storage, so that each
 * of the two is released on its own. Seen as a candidate it is the identity shortcut plus the zero
 * operation, so its inner product is 0.
 */
public final class Identity extends Module {
  /** The identity. */
  public Identity() {}

  @Override
  public Variable forward(Tape tape, Variable x) {
    return Reshape.apply(tape, x, x.shape());
  }

  @Override
  public boolean hasShortcut() {
    return true;
  }

  @Override
  public double innerProduct(Tape tape, Tensor x, Tensor dy) {
    return 0;
  }
}
