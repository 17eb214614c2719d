package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;

/** Depthwise convolution of x {@code [N, H, W, C]} by w {@code [k, k, C]}. */
public final class Depthwise {
  private Depthwise() {}

  /** The convolution of each channel by its own kernel, {@code [N, H', W', C]}. */
  public static Variable apply(Tape tape, Variable x, Variable w, Window window) {
    Tensor y = tape.output(Check.depthwise("depthwise", x.shape(), w.shape(), window), "depthwise");
    tape.backend().depthwise(x.value(), w.value(), window, null, Activation.IDENTITY, y);
    // As they are now: what is thawed later was not saved for.
    boolean forX = x.requiresGradient();
    boolean forW = w.requiresGradient();
    return tape.record(
        "depthwise",
        y,
        new Variable[] {x, w},
        Operands.saved(x, w),
        dy -> {
          if (forW) {
            Tensor dw = tape.gradientLike(w, "depthwise.filter_gradient");
            tape.backend().depthwiseBackwardFilter(x.value(), dy, window, dw);
            tape.accumulate(w, dw);
          }
          if (forX) {
            Tensor dx = tape.gradientLike(x, "depthwise.gradient");
            tape.backend().depthwiseBackwardData(dy, w.value(), window, dx);
            tape.accumulate(x, dx);
          }
        });
  }
}
