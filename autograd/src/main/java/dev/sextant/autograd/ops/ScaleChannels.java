package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/**
 * y[n, h, w, c] = x[n, h, w, c] s[n, c]: the gate of squeeze-and-excite. The output is recomputed
 * rather than kept.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class ScaleChannels extends Op {
  private static final Kind<ScaleChannels> KIND = new Kind<>("scale_channels", ScaleChannels::new);

  private Variable x;
  private Variable s;

  private ScaleChannels() {}

  /**
   * {@return the product of x {@code [N, H, W, C]} with s {@code [N, C]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param s {@code [N, C]}
   */
  public static Variable apply(Tape tape, Variable x, Variable s) {
    ScaleChannels op = tape.op(KIND);
    op.x = op.input(op.save(x));
    op.s = op.input(op.save(s));
    return tape.record(op, op.recompute(tape));
  }

  @Override
  protected boolean recomputes() {
    return true;
  }

  @Override
  protected Tensor recompute(Tape tape) {
    Tensor y = tape.output(x.shape(), "scale_channels");
    tape.backend().channels().scale(x.value(), s.value(), y);
    return y;
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    if (s.requiresGradient()) {
      Tensor ds = tape.gradientLike(s, "scale_channels.gradient");
      tape.backend().channels().dot(x.value(), dy, ds);
      tape.accumulate(s, ds);
    }
    if (x.requiresGradient()) {
      Tensor dx = tape.overwrite(dy, "scale_channels.gradient");
      tape.backend().channels().scale(dy, s.value(), dx);
      tape.accumulate(x, dx);
    }
  }
}
