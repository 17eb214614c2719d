package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** Concatenation along the last dimension. */
public final class Concat {
  private Concat() {}

  /**
   * The parts side by side; they may differ in their last extent only.
   *
   * @throws SextantException if there is none, or the other extents differ
   */
  public static Variable apply(Tape tape, Variable... parts) {
    Variable[] inputs = parts.clone();
    if (inputs.length == 0) {
      throw new SextantException("concat: no inputs");
    }
    int channels = 0;
    for (Variable input : inputs) {
      if (!input.shape().withChannels(1).equals(inputs[0].shape().withChannels(1))) {
        throw new SextantException(
            "concat: shapes differ beyond the last dimension (%s and %s)"
                .formatted(inputs[0].shape(), input.shape()));
      }
      channels += input.shape().channels();
    }
    Shape shape = inputs[0].shape().withChannels(channels);
    Tensor y = tape.output(shape, "concat");
    int at = 0;
    for (Variable input : inputs) {
      int count = input.shape().channels();
      tape.backend().copyChannels(input.value(), 0, y, at, count);
      at += count;
    }
    return tape.record(
        "concat",
        y,
        inputs,
        new Variable[0],
        dy -> {
          int from = 0;
          for (Variable input : inputs) {
            int count = input.shape().channels();
            if (input.requiresGradient()) {
              Tensor dx = tape.gradientLike(input, "concat.gradient");
              tape.backend().copyChannels(dy, from, dx, 0, count);
              tape.accumulate(input, dx);
            }
            from += count;
          }
        });
  }
}
