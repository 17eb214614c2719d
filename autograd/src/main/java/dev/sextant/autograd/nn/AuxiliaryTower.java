package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.AvgPool;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * The second classifier that DARTS trains two thirds up its final network: ReLU, average pooling
 * 5x5 of stride 3, pointwise convolution to 128 channels, batch norm, ReLU, 2x2 convolution to 768,
 * batch norm, ReLU, linear. For images of 8x8: {@code [N, 8, 8, in]} to {@code [N, classes]}.
 */
public final class AuxiliaryTower extends Module {
  /** Height and width of the images it takes. */
  public static final int SIZE = 8;

  private static final Window POOL = new Window(5, 3, 0, 1);
  private static final Window PAIR = new Window(2, 1, 0, 1);
  private static final int NARROW = 128;
  private static final int WIDE = 768;

  private final NormalizedConvolution narrow;
  private final NormalizedConvolution wide;
  private final Linear classifier;

  /**
   * A tower on {@code in} channels.
   *
   * @param init draws the weights, on its backend
   * @param in channels of the image
   * @param classes number of logits
   * @param epsilon added to the variance by the batch norms
   */
  public AuxiliaryTower(Initializer init, int in, int classes, float epsilon) {
    narrow =
        child(
            "narrow",
            new NormalizedConvolution(
                new Convolution(init, in, NARROW, Window.POINTWISE),
                new BatchNorm(init, NARROW, epsilon, Activation.RELU)));
    wide =
        child(
            "wide",
            new NormalizedConvolution(
                new Convolution(init, NARROW, WIDE, PAIR),
                new BatchNorm(init, WIDE, epsilon, Activation.RELU)));
    classifier = child("classifier", new Linear(init, WIDE, classes));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    if (x.shape().get(1) != SIZE || x.shape().get(2) != SIZE) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "auxiliary_tower: takes images of %d x %d (input %s)",
              SIZE,
              SIZE,
              x.shape()));
    }
    Variable h = Activate.apply(tape, x, Activation.RELU);
    Variable p = AvgPool.apply(tape, h, POOL);
    h.release();
    Variable a = narrow.forward(tape, p);
    p.release();
    Variable b = wide.forward(tape, a);
    a.release();
    Variable features = Reshape.apply(tape, b, Shape.of(x.shape().get(0), WIDE));
    b.release();
    Variable logits = classifier.forward(tape, features);
    features.release();
    return logits;
  }
}
