package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.PoolingRules;

/** Maximum over a window; padding never wins. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class MaxPool extends Op {
  private static final Kind<MaxPool> KIND = new Kind<>("max_pool", MaxPool::new);

  private Variable x;
  private Window window;

  private MaxPool() {}

  /**
   * {@return the pooled image {@code [N, H', W', C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Variable apply(Tape tape, Variable x, Window window) {
    Tensor y = tape.output(PoolingRules.output("max_pool", x.shape(), window), "max_pool");
    tape.backend().pooling().max(x.value(), window, y);
    MaxPool op = tape.op(KIND);
    op.x = op.input(op.save(x));
    op.window = window;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "max_pool.gradient");
    tape.backend().pooling().maxBackward(x.value(), dy, window, dx);
    tape.accumulate(x, dx);
  }
}
