package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;

/**
 * Dropout (Srivastava et al., 2014), inverted: kept elements are divided by the probability of
 * keeping one. Passes its input through where batch norm would use running statistics.
 */
public final class Dropout {
  private Dropout() {}

  /**
   * Drops each element with probability {@code rate}.
   *
   * @param rate in [0, 1)
   * @throws SextantException if the rate is out of range
   */
  public static Variable apply(Tape tape, Variable x, float rate, Rng rng) {
    if (!(rate >= 0 && rate < 1)) {
      throw new SextantException("dropout: rate " + rate + " is not in [0, 1)");
    }
    if (rate == 0 || !tape.mode().usesBatchStatistics()) {
      return Reshape.apply(tape, x, x.shape());
    }
    float[] mask = new float[x.shape().size()];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = rng.nextDouble() < rate ? 0 : 1 / (1 - rate);
    }
    Tensor scale = tape.backend().memory().floats(x.shape(), Category.ACTIVATIONS, "dropout.mask");
    tape.backend().upload(mask, 0, scale);
    Tensor y = tape.output(x.shape(), "dropout");
    tape.backend().multiply(x.value(), scale, y);
    return tape.record(
        "dropout",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.overwrite(dy, "dropout.gradient");
          tape.backend().multiply(dy, scale, dx);
          tape.accumulate(x, dx);
        });
  }
}
