package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/** Concatenation along the last dimension. */
public final class Concat extends Op {
  private static final Kind<Concat> KIND = new Kind<>("concat", Concat::new);

  private Variable[] parts = {};
  private int count;

  private Concat() {}

  /**
   * {@return the parts side by side; they may differ in their last extent only}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param parts at least one, of equal extents but the last
   * @throws SextantException if there is none, or the other extents differ
   */
  public static Variable apply(Tape tape, Variable... parts) {
    if (parts.length == 0) {
      throw new SextantException("concat: no inputs");
    }
    int channels = 0;
    for (Variable part : parts) {
      if (!part.shape().withChannels(1).equals(parts[0].shape().withChannels(1))) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "concat: shapes differ beyond the last dimension (%s and %s)",
                parts[0].shape(),
                part.shape()));
      }
      channels += part.shape().channels();
    }
    Shape shape = parts[0].shape().withChannels(channels);
    Tensor y = tape.output(shape, "concat");
    Concat op = tape.op(KIND);
    op.hold(parts);
    int at = 0;
    for (Variable part : parts) {
      int channelsOfPart = part.shape().channels();
      tape.backend().channels().copy(part.value(), 0, y, at, channelsOfPart);
      at += channelsOfPart;
      op.input(part);
    }
    return tape.record(op, y);
  }

  private void hold(Variable[] variables) {
    count = variables.length;
    if (parts.length < count) {
      parts = new Variable[count];
    }
    System.arraycopy(variables, 0, parts, 0, count);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    int from = 0;
    for (int i = 0; i < count; i++) {
      Variable part = parts[i];
      int channels = part.shape().channels();
      if (part.requiresGradient()) {
        Tensor dx = tape.gradientLike(part, "concat.gradient");
        tape.backend().channels().copy(dy, from, dx, 0, channels);
        tape.accumulate(part, dx);
      }
      from += channels;
    }
  }
}
