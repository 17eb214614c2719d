package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/**
 * Keeps a function's input and output only, and computes its inside again in the backward pass
 * (Chen et al., 2016; TuNAS Appendix C).
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class Rematerialize extends Op {
  private static final Kind<Rematerialize> KIND = new Kind<>("rematerialize", Rematerialize::new);

  private Variable x;
  private Segment segment;

  private Rematerialize() {}

  /**
   * What is rematerialised: a function of its input and of parameters that does the same both times
   * (a source of random numbers has to be set back by the function itself) and puts all its ops on
   * the tape it is given.
   */
  public interface Segment {
    /**
     * {@return the output for an input}
     *
     * @param tape for its ops
     * @param x the input
     */
    Variable run(Tape tape, Variable x);
  }

  /**
   * {@return the segment's value} Its inside is freed at once; the backward pass runs it again on a
   * tape of its own, where batch norm uses the same batch statistics and does not count them twice.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x of any shape
   * @param segment run at once, and once more in the backward pass
   */
  public static Variable apply(Tape tape, Variable x, Segment segment) {
    Tensor y = first(tape, x, segment);
    // Recorded even if x needs no gradient: parameters inside may.
    Variable anchor = tape.leaf(x.value());
    Rematerialize op = tape.op(KIND);
    op.x = op.save(x);
    op.segment = segment;
    op.input(anchor);
    Variable output = tape.record(op, y);
    anchor.release();
    return output;
  }

  private static Tensor first(Tape tape, Variable x, Segment segment) {
    try (Tape inside = tape.unrecorded()) {
      return inside.yield(segment.run(inside, inside.constant(x.value())).value());
    }
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    Tensor dx;
    try (Tape again = tape.again()) {
      Variable input = x.requiresGradient() ? again.leaf(x.value()) : again.constant(x.value());
      Variable y = segment.run(again, input);
      if (!y.requiresGradient()) {
        return; // everything inside is frozen
      }
      y.release();
      again.backward(y, dy.share());
      dx = input.gradient();
      if (dx != null) {
        again.yield(dx);
      }
    }
    if (dx != null) {
      tape.accumulate(x, dx);
    }
  }
}
