package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * The first inputs and outputs of a kernel: what is left of shared weights where channels are
 * masked (TuNAS). The output is recomputed rather than kept.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Narrow extends Op {
  private static final Kind<Narrow> KIND = new Kind<>("narrow", Narrow::new);

  private Variable w;
  private Shape shape;

  private Narrow() {}

  /**
   * {@return the first {@code channels} of the last dimension, and the first {@code rows} of the
   * one before it: {@code [1, 1, in, out]} to {@code [1, 1, rows, channels]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w of rank 1 or more
   * @param rows all of them where the dimensions before are not 1; ignored for a vector
   * @param channels at least 1, at most the last extent
   * @throws SextantException if there are not as many, or it has more than four dimensions
   */
  public static Variable apply(Tape tape, Variable w, int rows, int channels) {
    Narrow op = tape.op(KIND);
    op.shape = shape(w.shape(), rows, channels);
    op.w = op.input(op.save(w));
    return tape.record(op, op.recompute(tape));
  }

  private static Shape shape(Shape w, int rows, int channels) {
    boolean vector = w.rank() == 1;
    int most = vector ? 1 : w.rank() == 0 ? 0 : w.get(-2);
    int kept = vector ? 1 : rows;
    boolean single = w.rows() == most;
    if (channels < 1
        || channels > w.channels()
        || kept < 1
        || kept > most
        || kept < most && !single) {
      throw new SextantException(
          String.format(Locale.ROOT, "narrow: [%d, %d] of %s", rows, channels, w));
    }
    // An array of extents would be the one object that a step of thresholds allocates.
    return switch (w.rank()) {
      case 1 -> Shape.of(channels);
      case 2 -> Shape.of(kept, channels);
      case 3 -> Shape.of(w.get(0), kept, channels);
      case 4 -> Shape.of(w.get(0), w.get(1), kept, channels);
      default ->
          throw new SextantException(
              String.format(Locale.ROOT, "narrow: %s is no vector, matrix or kernel", w));
    };
  }

  @Override
  protected boolean recomputes() {
    return true;
  }

  @Override
  protected Tensor recompute(Tape tape) {
    Tensor y = tape.output(shape, "narrow");
    try (Tensor from = prefix(w.value(), shape);
        Tensor to = y.reshape(matrix(shape))) {
      tape.backend().channels().copy(from, 0, to, 0, shape.channels());
    }
    return y;
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dw = tape.gradientLike(w, "narrow.gradient");
    tape.backend().elementwise().fill(dw, 0);
    try (Tensor to = prefix(dw, shape);
        Tensor from = dy.reshape(matrix(shape))) {
      tape.backend().channels().copy(from, 0, to, 0, shape.channels());
    }
    tape.accumulate(w, dw);
  }

  private static Shape matrix(Shape shape) {
    return Shape.of(shape.rows(), shape.channels());
  }

  /** The rows that are kept, as a matrix with all channels. */
  private static Tensor prefix(Tensor w, Shape part) {
    try (Tensor rows = w.reshape(matrix(w.shape()))) {
      return rows.slice(0, part.rows());
    }
  }
}
