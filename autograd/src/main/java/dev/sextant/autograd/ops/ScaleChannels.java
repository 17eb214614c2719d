package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/**
 * y[n, h, w, c] = x[n, h, w, c] s[n, c]: the gate of squeeze-and-excite. The output is recomputed
 * rather than kept.
 */
public final class ScaleChannels {
  private ScaleChannels() {}

  /** The product of x {@code [N, H, W, C]} with s {@code [N, C]}. */
  public static Variable apply(Tape tape, Variable x, Variable s) {
    return tape.record(
        "scale_channels",
        forward(tape, x, s),
        new Variable[] {x, s},
        new Variable[] {x, s},
        () -> forward(tape, x, s),
        dy -> {
          if (s.requiresGradient()) {
            Tensor ds = tape.gradientLike(s, "scale_channels.gradient");
            tape.backend().channelDot(x.value(), dy, ds);
            tape.accumulate(s, ds);
          }
          if (x.requiresGradient()) {
            Tensor dx = tape.overwrite(dy, "scale_channels.gradient");
            tape.backend().scaleChannels(dy, s.value(), dx);
            tape.accumulate(x, dx);
          }
        });
  }

  private static Tensor forward(Tape tape, Variable x, Variable s) {
    Tensor y = tape.output(x.shape(), "scale_channels");
    tape.backend().scaleChannels(x.value(), s.value(), y);
    return y;
  }
}
