package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Tensor;

/**
 * Keeps a function's input and output only, and computes its inside again in the backward pass
 * (Chen et al., 2016; TuNAS Appendix C).
 */
public final class Rematerialize {
  private Rematerialize() {}

  /**
   * What is rematerialised: a function of its input and of parameters that does the same both times
   * (a source of random numbers has to be set back by the function itself) and puts all its ops on
   * the tape it is given.
   */
  public interface Segment {
    /** The output for an input. */
    Variable run(Tape tape, Variable x);
  }

  /**
   * The segment's value. Its inside is freed at once; the backward pass runs it again on a tape of
   * its own, where batch norm uses the same batch statistics and does not count them twice.
   */
  public static Variable apply(Tape tape, Variable x, Segment segment) {
    // Recorded even if x needs no gradient: parameters inside may.
    Variable anchor = tape.leaf(x.value());
    Variable y =
        tape.record(
            "rematerialize",
            first(tape, x, segment),
            new Variable[] {anchor},
            new Variable[] {x},
            dy -> second(tape, x, segment, dy));
    anchor.release();
    return y;
  }

  private static Tensor first(Tape tape, Variable x, Segment segment) {
    try (Tape inside = tape.unrecorded()) {
      return inside.yield(segment.run(inside, inside.constant(x.value())).value());
    }
  }

  private static void second(Tape tape, Variable x, Segment segment, Tensor dy) {
    Tensor dx;
    try (Tape again = new Tape(tape.backend(), Tape.Mode.TRAIN_STATELESS)) {
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
