package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.PoolingRules;

/** Mean over a window's pixels inside the image (padding not counted). */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class AvgPool extends Op {
  private static final Kind<AvgPool> KIND = new Kind<>("avg_pool", AvgPool::new);

  private Variable x;
  private Window window;

  private AvgPool() {}

  /**
   * {@return the pooled image {@code [N, H', W', C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param window kernel size, stride, padding and dilation
   */
  public static Variable apply(Tape tape, Variable x, Window window) {
    Tensor y = tape.output(PoolingRules.output("avg_pool", x.shape(), window), "avg_pool");
    tape.backend().pooling().average(x.value(), window, y);
    AvgPool op = tape.op(KIND);
    op.x = op.input(x);
    op.window = window;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "avg_pool.gradient");
    tape.backend().pooling().averageBackward(dy, window, dx);
    tape.accumulate(x, dx);
  }
}
