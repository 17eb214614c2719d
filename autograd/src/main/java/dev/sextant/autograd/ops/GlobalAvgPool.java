package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** Mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class GlobalAvgPool extends Op {
  private static final Kind<GlobalAvgPool> KIND = new Kind<>("global_avg_pool", GlobalAvgPool::new);

  private Variable x;

  private GlobalAvgPool() {}

  /**
   * {@return the mean of each channel of each image}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   */
  public static Variable apply(Tape tape, Variable x) {
    Check.rank("global_avg_pool", "input", x.shape(), 4);
    Tensor y = tape.output(Shape.of(x.shape().get(0), x.shape().get(3)), "global_avg_pool");
    tape.backend().pooling().globalAverage(x.value(), y);
    GlobalAvgPool op = tape.op(KIND);
    op.x = op.input(x);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "global_avg_pool.gradient");
    tape.backend().pooling().globalAverageBackward(dy, dx);
    tape.accumulate(x, dx);
  }
}
