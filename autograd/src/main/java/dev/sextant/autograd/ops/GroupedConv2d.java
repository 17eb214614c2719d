package dev.sextant.autograd.ops;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * Convolution of x {@code [N, H, W, Cin]} by w {@code [k, k, Cin / groups, Cout]}, each part of the
 * outputs reading its own part of the inputs. A composite of slices, dense convolutions and a
 * concatenation: right on every backend, and for few groups.
 */
public final class GroupedConv2d {
  private GroupedConv2d() {}

  /**
   * {@return the convolution, {@code [N, H', W', Cout]}}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x {@code [N, H, W, C]}
   * @param w {@code [k, k, C / groups, Cout]}
   * @param window kernel size, stride, padding and dilation
   * @param groups a divisor of C and of Cout
   * @throws SextantException if the groups do not divide the channels
   */
  public static Variable apply(Tape tape, Variable x, Variable w, Window window, int groups) {
    int in = x.shape().channels();
    int out = w.shape().channels();
    if (groups < 1 || in % groups != 0 || out % groups != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "grouped_conv2d: %d groups do not divide %s by %s",
              groups,
              x.shape(),
              w.shape()));
    }
    Variable[] parts = new Variable[groups];
    for (int group = 0; group < groups; group++) {
      Variable inputs =
          SliceChannels.apply(tape, x, group * (in / groups), (group + 1) * (in / groups));
      Variable kernel =
          SliceChannels.apply(tape, w, group * (out / groups), (group + 1) * (out / groups));
      parts[group] = Conv2d.apply(tape, inputs, kernel, window);
      inputs.release();
      kernel.release();
    }
    Variable y = Concat.apply(tape, parts);
    for (Variable part : parts) {
      part.release();
    }
    return y;
  }
}
