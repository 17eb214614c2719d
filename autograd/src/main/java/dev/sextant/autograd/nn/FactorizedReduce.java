package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.Depthwise;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.Locale;

/**
 * Halves height and width without losing whole pixels: ReLU, two pointwise convolutions of stride
 * 2, one on the even and one on the odd pixels, side by side, batch norm (DARTS). {@code [N, H, W,
 * in]}, H and W even, to {@code [N, H/2, W/2, out]}, out even.
 */
public final class FactorizedReduce extends Module {
  private static final Window EVEN = new Window(1, 2, 0, 1);
  private static final Window PAIR = new Window(2, 2, 0, 1);

  private final Convolution even;
  private final Convolution odd;
  private final BatchNorm norm;

  /**
   * With {@code affine} as {@link BatchNorm} has it.
   *
   * @param init draws the weights, on its backend
   * @param in input channels
   * @param out output channels
   * @param epsilon added to the variance by the batch norms
   * @param affine whether the batch norms train a scale and an offset, as {@link BatchNorm} has it
   */
  public FactorizedReduce(Initializer init, int in, int out, float epsilon, boolean affine) {
    if (out % 2 != 0) {
      throw new SextantException("factorized_reduce: " + out + " channels have no two halves");
    }
    even = child("even", new Convolution(init, in, out / 2, EVEN));
    odd = child("odd", new Convolution(init, in, out / 2, Window.POINTWISE));
    norm = child("norm", new BatchNorm(init, out, epsilon, Activation.IDENTITY, affine));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    if (x.shape().get(1) % 2 != 0 || x.shape().get(2) % 2 != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "factorized_reduce: height and width must be even (input %s)",
              x.shape()));
    }
    Variable h = Activate.apply(tape, x, Activation.RELU);
    Variable a = even.forward(tape, h);
    Variable picked = oddPixels(tape, h);
    h.release();
    Variable b = odd.forward(tape, picked);
    picked.release();
    Variable z = Concat.apply(tape, a, b);
    a.release();
    b.release();
    Variable y = norm.forward(tape, z);
    z.release();
    return y;
  }

  /** x[:, 1::2, 1::2]: a depthwise convolution by a kernel that is one at its last tap. */
  private static Variable oddPixels(Tape tape, Variable x) {
    int channels = x.shape().channels();
    float[] last = new float[4 * channels];
    Arrays.fill(last, 3 * channels, last.length, 1);
    Tensor kernel = tape.output(Shape.of(2, 2, channels), "factorized_reduce.pick");
    tape.backend().upload(last, 0, kernel);
    return Depthwise.apply(tape, x, tape.constant(kernel), PAIR);
  }
}
