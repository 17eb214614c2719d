package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;

/** Mean over a window's pixels inside the image (padding not counted). */
public final class AvgPool {
  private AvgPool() {}

  /** The pooled image {@code [N, H', W', C]}. */
  public static Variable apply(Tape tape, Variable x, Window window) {
    Tensor y = tape.output(Check.pool("avg_pool", x.shape(), window), "avg_pool");
    tape.backend().avgPool(x.value(), window, y);
    return tape.record(
        "avg_pool",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.gradientLike(x, "avg_pool.gradient");
          tape.backend().avgPoolBackward(dy, window, dx);
          tape.accumulate(x, dx);
        });
  }
}
