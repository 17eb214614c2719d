package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/**
 * A bilinear op of x and w: the gradient of each operand reads the other one alone. Each is kept if
 * the other needs a gradient: under frozen weights, as in an architecture step, the inputs of
 * convolutions need not be.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
abstract class Product extends Op {
  private Variable x;
  private Variable w;
  private boolean forX;
  private boolean forW;

  /** Sets the operands, which require gradients or not as they do now: a later thaw is too late. */
  final void operands(Variable x, Variable w) {
    this.x = input(x);
    this.w = input(w);
    forX = x.requiresGradient();
    forW = w.requiresGradient();
    if (forX) {
      save(w);
    }
    if (forW) {
      save(x);
    }
  }

  @Override
  protected final void backward(Tape tape, Tensor dy) {
    if (forW) {
      tape.accumulate(w, gradientOfW(tape, x.value(), w, dy));
    }
    if (forX) {
      tape.accumulate(x, gradientOfX(tape, x, w.value(), dy));
    }
  }

  abstract Tensor gradientOfW(Tape tape, Tensor x, Variable w, Tensor dy);

  abstract Tensor gradientOfX(Tape tape, Variable x, Tensor w, Tensor dy);
}
