package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;

/** Maximum over a window; padding never wins. */
public final class MaxPool {
  private MaxPool() {}

  /** The pooled image {@code [N, H', W', C]}. */
  public static Variable apply(Tape tape, Variable x, Window window) {
    Tensor y = tape.output(Check.pool("max_pool", x.shape(), window), "max_pool");
    tape.backend().maxPool(x.value(), window, y);
    return tape.record(
        "max_pool",
        y,
        new Variable[] {x},
        new Variable[] {x},
        dy -> {
          Tensor dx = tape.gradientLike(x, "max_pool.gradient");
          tape.backend().maxPoolBackward(x.value(), dy, window, dx);
          tape.accumulate(x, dx);
        });
  }
}
