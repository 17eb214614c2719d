package dev.sextant.autograd.ops;

import dev.sextant.autograd.Variable;

/** What the backward pass of a bilinear op reads. */
final class Operands {
  private static final Variable[] NONE = {};

  private Operands() {}

  /**
   * Each operand if the other needs a gradient: under frozen weights, as in an architecture step,
   * the inputs of convolutions need not be kept.
   */
  static Variable[] saved(Variable a, Variable b) {
    if (a.requiresGradient()) {
      return b.requiresGradient() ? new Variable[] {a, b} : new Variable[] {b};
    }
    return b.requiresGradient() ? new Variable[] {a} : NONE;
  }
}
