package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** Mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}. */
public final class GlobalAvgPool {
  private GlobalAvgPool() {}

  /** The mean of each channel of each image. */
  public static Variable apply(Tape tape, Variable x) {
    Check.rank("global_avg_pool", "input", x.shape(), 4);
    Tensor y = tape.output(Shape.of(x.shape().get(0), x.shape().get(3)), "global_avg_pool");
    tape.backend().globalAvgPool(x.value(), y);
    return tape.record(
        "global_avg_pool",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.gradientLike(x, "global_avg_pool.gradient");
          tape.backend().globalAvgPoolBackward(dy, dx);
          tape.accumulate(x, dx);
        });
  }
}
