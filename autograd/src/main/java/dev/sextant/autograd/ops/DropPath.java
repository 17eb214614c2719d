package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;

/**
 * Drops a whole image's output of a path in training and scales what is kept by 1 / (1 - rate)
 * (Larsson et al., 2017, as DARTS has it); does nothing in evaluation.
 */
public final class DropPath {
  private DropPath() {}

  /**
   * Drops each image of x {@code [N, H, W, C]} with probability {@code rate}.
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param rate in [0, 1)
   * @param rng read once for each image in training
   * @return the output; the caller releases it
   * @throws SextantException if the rate is out of range
   */
  public static Variable apply(Tape tape, Variable x, float rate, Rng rng) {
    Check.rank("drop_path", "input", x.shape(), 4);
    if (!(rate >= 0 && rate < 1)) {
      throw new SextantException("drop_path: rate " + rate + " is not in [0, 1)");
    }
    if (rate == 0 || !tape.mode().usesBatchStatistics()) {
      return Reshape.apply(tape, x, x.shape());
    }
    int channels = x.shape().channels();
    float[] factors = new float[x.shape().get(0) * channels];
    for (int n = 0; n < x.shape().get(0); n++) {
      float factor = rng.nextDouble() < rate ? 0 : 1 / (1 - rate);
      Arrays.fill(factors, n * channels, (n + 1) * channels, factor);
    }
    Tensor scale = tape.output(Shape.of(x.shape().get(0), channels), "drop_path.mask");
    tape.backend().upload(factors, 0, scale);
    Tensor y = tape.output(x.shape(), "drop_path");
    tape.backend().channels().scale(x.value(), scale, y);
    return tape.record(
        "drop_path",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.overwrite(dy, "drop_path.gradient");
          tape.backend().channels().scale(dy, scale, dx);
          scale.close();
          tape.accumulate(x, dx);
        });
  }
}
