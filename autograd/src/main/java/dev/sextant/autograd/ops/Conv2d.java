package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;

/** Dense convolution of x {@code [N, H, W, Cin]} by w {@code [k, k, Cin, Cout]}. */
public final class Conv2d {
  private Conv2d() {}

  /** The convolution, {@code [N, H', W', Cout]}. */
  public static Variable apply(Tape tape, Variable x, Variable w, Window window) {
    Tensor y = tape.output(Check.conv2d("conv2d", x.shape(), w.shape(), window), "conv2d");
    tape.backend().conv2d(x.value(), w.value(), window, null, Activation.IDENTITY, null, y);
    // As they are now: what is thawed later was not saved for.
    boolean forX = x.requiresGradient();
    boolean forW = w.requiresGradient();
    return tape.record(
        "conv2d",
        y,
        new Variable[] {x, w},
        Operands.saved(x, w),
        dy -> {
          if (forW) {
            Tensor dw = tape.gradientLike(w, "conv2d.filter_gradient");
            tape.backend().conv2dBackwardFilter(x.value(), dy, window, dw);
            tape.accumulate(w, dw);
          }
          if (forX) {
            Tensor dx = tape.gradientLike(x, "conv2d.gradient");
            tape.backend().conv2dBackwardData(dy, w.value(), window, dx);
            tape.accumulate(x, dx);
          }
        });
  }
}
