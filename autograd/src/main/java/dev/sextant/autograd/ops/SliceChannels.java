package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/** Some neighbouring channels of a tensor. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class SliceChannels extends Op {
  private static final Kind<SliceChannels> KIND = new Kind<>("slice_channels", SliceChannels::new);

  private Variable x;
  private int from;
  private int count;

  private SliceChannels() {}

  /**
   * {@return the channels {@code from} (inclusive) to {@code to} (exclusive) of the last dimension}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x {@code [.., C]}
   * @param from first channel, from 0
   * @param to the channel behind the last
   * @throws SextantException if they are out of range
   */
  public static Variable apply(Tape tape, Variable x, int from, int to) {
    if (from < 0 || to < from || to > x.shape().channels()) {
      throw new SextantException(
          String.format(Locale.ROOT, "slice_channels: [%d, %d) of %s", from, to, x.shape()));
    }
    Tensor y = tape.output(x.shape().withChannels(to - from), "slice_channels");
    tape.backend().channels().copy(x.value(), from, y, 0, to - from);
    SliceChannels op = tape.op(KIND);
    op.x = op.input(x);
    op.from = from;
    op.count = to - from;
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx = tape.gradientLike(x, "slice_channels.gradient");
    tape.backend().elementwise().fill(dx, 0);
    tape.backend().channels().copy(dy, 0, dx, from, count);
    tape.accumulate(x, dx);
  }
}
