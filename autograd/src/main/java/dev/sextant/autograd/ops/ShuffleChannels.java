package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * Channels of g groups dealt out in turn (ShuffleNet; PC-DARTS): with C channels, y[.., i g + j] =
 * x[.., j C/g + i].
 */
public final class ShuffleChannels {
  private ShuffleChannels() {}

  /**
   * {@return the same channels in another order}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input {@code [N, H, W, C]}
   * @param groups a divisor of C
   * @throws SextantException if the groups do not divide the channels
   */
  public static Variable apply(Tape tape, Variable x, int groups) {
    int channels = x.shape().channels();
    if (groups < 1 || channels % groups != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "shuffle_channels: %d groups do not divide %s", groups, x.shape()));
    }
    Tensor y = tape.output(x.shape(), "shuffle_channels");
    deal(tape.backend(), x.value(), groups, y);
    return tape.record(
        "shuffle_channels",
        y,
        new Variable[] {x},
        new Variable[0],
        dy -> {
          Tensor dx = tape.gradientLike(x, "shuffle_channels.gradient");
          deal(tape.backend(), dy, channels / groups, dx);
          tape.accumulate(x, dx);
        });
  }

  /** Dealing by C/g undoes dealing by g. */
  private static void deal(Backend backend, Tensor from, int groups, Tensor to) {
    int each = from.shape().channels() / groups;
    for (int group = 0; group < groups; group++) {
      for (int i = 0; i < each; i++) {
        backend.channels().copy(from, group * each + i, to, i * groups + group, 1);
      }
    }
  }
}
