package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Trial.Operand;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Convolutions that read and write through batch normalisation. The reference puts them together
 * from its plain kernels.
 */
interface NormalizedConvolutionContract extends ContractSubject {
  float EPSILON = 1e-3f;

  /** Pixels up to which each gradient is also asked for alone. */
  int MOST_ROWS_OF_HALVES = 400;

  @ParameterizedTest
  @EnumSource(Activation.class)
  default void pointwiseBetweenNorms(Activation activation) {
    int[] channels = ContractSubject.channels();
    for (int i = 0; i < channels.length; i++) {
      int in = channels[i];
      int out = channels[(3 * i + 1) % channels.length];
      dense(Shape.of(2, 3, 5, in), out, Window.POINTWISE, activation, i % 3 != 0);
    }
    dense(Shape.of(0, 3, 5, 4), 3, Window.POINTWISE, activation, true);
    // Wide and tall enough to be blocked in every direction, and divided among threads.
    dense(Shape.of(5, 17, 13, 24), 144, Window.POINTWISE, activation, true);
    dense(Shape.of(3, 19, 13, 150), 28, Window.POINTWISE, activation, true);
    dense(Shape.of(1, 4, 4, 530), 70, Window.POINTWISE, activation, true);
  }

  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.ContractSubject#windows")
  default void convolutionsBetweenNorms(Window window) {
    int[] channels = ContractSubject.channels();
    int[] turn = {0};
    ContractSubject.images(window)
        .forEach(
            image -> {
              int i = turn[0]++;
              Shape shape = Shape.of(image[0], image[1], image[2], channels[i % channels.length]);
              Activation activation = ContractSubject.TURNS.get(i % ContractSubject.TURNS.size());
              dense(shape, channels[(5 * i + 2) % channels.length], window, activation, i % 2 == 0);
              depthwise(shape, window, activation, i % 2 == 0);
            });
    for (int c : channels) {
      int i = turn[0]++;
      depthwise(
          Shape.of(2, 15, 13, c),
          window,
          ContractSubject.TURNS.get(i % ContractSubject.TURNS.size()),
          true);
    }
    depthwise(Shape.of(3, 21, 19, 72), window, Activation.RELU6, true);
    depthwise(Shape.of(1, 13, 11, 72), window, Activation.IDENTITY, false);
  }

  private void dense(
      Shape image, int outputs, Window window, Activation activation, boolean normalized) {
    Shape kernel = Shape.of(window.kernel(), window.kernel(), image.channels(), outputs);
    Shape output = window.output(image, outputs);
    try (Trial trial = trial("normalized conv2d %s to %d %s", image, outputs, activation)) {
      trial.tolerance(1e-4);
      Case c = new Case(trial, image, kernel, output, activation, normalized);
      trial.run(
          b ->
              b.bottleneck()
                  .convolution(
                      c.x.on(b),
                      c.inputNorm(b),
                      c.w.on(b),
                      window,
                      c.z.on(b),
                      c.mean.on(b),
                      c.variance.on(b)));
      Operand gamma = trial.uniform(0.5, 1.5, Shape.of(outputs));
      Operand beta = trial.random(outputs);
      Operand shift = trial.random(outputs);
      // As many random products of about a third each.
      double terms = Math.max(1, Math.sqrt(output.size()) / 3);
      trial.call(
          terms,
          b ->
              b.bottleneck()
                  .convolutionInnerProduct(
                      c.x.on(b),
                      c.inputNorm(b),
                      c.w.on(b),
                      window,
                      c.dy.on(b),
                      gamma.on(b),
                      beta.on(b),
                      EPSILON,
                      shift.on(b)));
      c.reduce();
      trial.run(
          b ->
              b.bottleneck()
                  .convolutionBackwardFilter(
                      c.x.on(b),
                      c.inputNorm(b),
                      c.g.on(b),
                      c.givenZ.on(b),
                      c.outputGradient.on(b),
                      window,
                      c.dw.on(b)));
      // A norm's dz sums to zero over the pixels, so without an activation dbeta is what cancelling
      // some thousand float products leaves.
      trial.tolerance(1e-3);
      trial.run(
          b ->
              b.bottleneck()
                  .convolutionBackwardData(
                      c.g.on(b),
                      c.givenZ.on(b),
                      c.outputGradient.on(b),
                      c.w.on(b),
                      window,
                      c.x.on(b),
                      c.inputGradient(b),
                      c.gx.on(b)));
    }
  }

  private void depthwise(Shape image, Window window, Activation activation, boolean normalized) {
    Shape kernel = Shape.of(window.kernel(), window.kernel(), image.channels());
    Shape output = window.output(image, image.channels());
    try (Trial trial = trial("normalized depthwise %s %s %s", image, window, activation)) {
      trial.tolerance(1e-4);
      Case c = new Case(trial, image, kernel, output, activation, normalized);
      trial.run(
          b ->
              b.bottleneck()
                  .depthwise(
                      c.x.on(b),
                      c.inputNorm(b),
                      c.w.on(b),
                      window,
                      c.z.on(b),
                      c.mean.on(b),
                      c.variance.on(b)));
      c.reduce();
      trial.run(b -> c.depthwiseBackward(b, window, c.dw, c.gx));
      if (image.rows() <= MOST_ROWS_OF_HALVES) {
        trial.again(b -> c.depthwiseBackward(b, window, c.dw, null));
        trial.again(b -> c.depthwiseBackward(b, window, null, c.gx));
      }
    }
  }

  @Test
  default void statisticsOfConvolutionsDoNotCancel() {
    Window window = Window.same(3, 1);
    try (Trial trial = trial("normalized convolutions far from zero")) {
      // 9 x 1000 at the centre: in float, E[z²] - E[z]² would be off by several units.
      Operand x = trial.uniform(1000, 1001, Shape.of(2, 32, 32, 17));
      Operand w = trial.uniform(0.99, 1.01, Shape.of(1, 1, 17, 5));
      Operand taps = trial.uniform(0.99, 1.01, Shape.of(1, 1, 17));
      Operand z = trial.output(Shape.of(2, 32, 32, 5));
      Operand dz = trial.output(Shape.of(2, 32, 32, 17));
      Operand variance = trial.output(Shape.of(5));
      Operand means = trial.output(Shape.of(5));
      Operand mean = trial.output(Shape.of(17));
      Operand variances = trial.output(Shape.of(17));
      trial.tolerance(0.02);
      trial.run(
          b ->
              b.bottleneck()
                  .convolution(
                      x.on(b),
                      null,
                      w.on(b),
                      Window.POINTWISE,
                      z.on(b),
                      means.on(b),
                      variance.on(b)));
      trial.tolerance(1e-4);
      trial.run(
          b ->
              b.bottleneck()
                  .depthwise(
                      x.on(b),
                      null,
                      taps.on(b),
                      Window.POINTWISE,
                      dz.on(b),
                      mean.on(b),
                      variances.on(b)));
    }
  }

  @Test
  default void normalizedGradientsRepeatBitForBitAndTakeNoNewMemory() {
    Window window = Window.same(3, 1);
    Shape image = Shape.of(4, 17, 15, 33);
    try (Trial trial = trial("repeated normalized gradients")) {
      trial.tolerance(1e-4);
      Case c = new Case(trial, image, Shape.of(3, 3, 33), image, Activation.RELU6, true);
      c.reduce();
      Backend b = backend();
      Runnable call = () -> c.depthwiseBackward(b, window, c.dw, c.gx);
      call.run();
      float[] dw = download(c.dw.on(b));
      float[] gx = download(c.gx.on(b));
      long reserved = b.memory().reserved();
      for (int i = 0; i < 3; i++) {
        call.run();
        assertArrayEquals(dw, download(c.dw.on(b)));
        assertArrayEquals(gx, download(c.gx.on(b)));
      }
      assertEquals(reserved, b.memory().reserved());
    }
  }

  /** A record of either side. */
  interface Side<T> {
    T on(Backend backend);
  }

  /** The operands of a convolution between two norms. */
  final class Case {
    private final Trial trial;
    private final boolean normalized;
    private final Side<NormGradient> inputSide;
    final Operand x;
    final Operand w;
    final Operand z;
    final Operand mean;
    final Operand variance;
    final Operand dy;
    final Operand givenZ;
    final Operand g;
    final Operand dw;
    final Operand gx;
    final Side<NormGradient> outputGradient;

    Case(
        Trial trial,
        Shape image,
        Shape kernel,
        Shape output,
        Activation activation,
        boolean normalized) {
      this.trial = trial;
      this.normalized = normalized;
      x = trial.uniform(-2, 3, image);
      w = trial.random(kernel);
      z = trial.output(output);
      mean = trial.output(Shape.of(output.channels()));
      variance = trial.output(Shape.of(output.channels()));
      dy = trial.random(output);
      givenZ = trial.uniform(-3, 2, output);
      g = trial.output(output);
      dw = trial.output(kernel);
      gx = trial.output(image);
      inputSide = gradient(x, activation);
      outputGradient = gradient(givenZ, activation);
    }

    /** The gradient of a norm of these values, whose statistics are found first. */
    private Side<NormGradient> gradient(Operand values, Activation activation) {
      Shape vector = Shape.of(values.shape().channels());
      Operand valuesMean = trial.output(vector);
      Operand valuesVariance = trial.output(vector);
      trial.run(
          b -> b.batchNorm().statistics(values.on(b), valuesMean.on(b), valuesVariance.on(b)));
      Operand gamma = trial.uniform(-1, 4, vector);
      Operand beta = trial.uniform(-1, 4, vector);
      Operand dgamma = trial.output(vector);
      Operand dbeta = trial.output(vector);
      return b ->
          new NormGradient(
              new BatchNorm(
                  valuesMean.on(b),
                  valuesVariance.on(b),
                  gamma.on(b),
                  beta.on(b),
                  EPSILON,
                  activation),
              dgamma.on(b),
              dbeta.on(b));
    }

    /** Finds g and the sums of the output's norm, which the gradients read. */
    void reduce() {
      trial.run(b -> b.batchNorm().reduce(givenZ.on(b), dy.on(b), outputGradient.on(b), g.on(b)));
    }

    void depthwiseBackward(
        Backend b, Window window, @Nullable Operand filter, @Nullable Operand data) {
      b.bottleneck()
          .depthwiseBackward(
              g.on(b),
              givenZ.on(b),
              outputGradient.on(b),
              w.on(b),
              window,
              x.on(b),
              inputGradient(b),
              Trial.on(filter, b),
              Trial.on(data, b));
    }

    @Nullable BatchNorm inputNorm(Backend b) {
      return normalized ? inputSide.on(b).norm() : null;
    }

    @Nullable NormGradient inputGradient(Backend b) {
      return normalized ? inputSide.on(b) : null;
    }
  }
}
