package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Trial.Operand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Dense and depthwise convolutions, forward and backward. */
interface ConvolutionContract extends ContractSubject {
  String WINDOWS = "dev.sextant.tensor.ContractSubject#windows";

  @ParameterizedTest
  @MethodSource(WINDOWS)
  default void denseConvolution(Window window) {
    int[] channels = ContractSubject.channels();
    int[] turn = {0};
    ContractSubject.images(window)
        .forEach(
            image -> {
              int i = turn[0]++;
              int in = channels[i % channels.length];
              int out = channels[(5 * i + 2) % channels.length];
              dense(Shape.of(image[0], image[1], image[2], in), out, window, i);
            });
    dense(Shape.of(2, 19, 17, 24), 40, window, turn[0]);
  }

  /** Bias, residual and activation take turns with the case. */
  private void dense(Shape image, int outputs, Window window, int turn) {
    Activation activation = ContractSubject.TURNS.get(turn % ContractSubject.TURNS.size());
    Shape kernel = Shape.of(window.kernel(), window.kernel(), image.channels(), outputs);
    Shape output = window.output(image, outputs);
    try (Trial trial = trial("conv2d %s by %s, %s, %s", image, kernel, window, activation)) {
      Operand x = trial.random(image);
      Operand w = trial.random(kernel);
      Operand bias = turn % 2 == 0 ? trial.random(outputs) : null;
      Operand residual = turn % 3 == 0 ? trial.random(output) : null;
      Operand out = trial.output(output);
      trial.run(
          b ->
              b.convolution()
                  .forward(
                      x.on(b),
                      w.on(b),
                      window,
                      Trial.on(bias, b),
                      activation,
                      Trial.on(residual, b),
                      out.on(b)));
      if (bias != null) {
        Operand fixed = trial.output(output);
        trial.run(
            b -> {
              try (FixedKernel fix =
                  b.convolution().fix(w.on(b), bias.on(b), window, image, b.threads())) {
                Tensor added = Trial.on(residual, b);
                b.convolution().forward(x.on(b), fix, activation, added, fixed.on(b));
              }
            });
      }
      Operand dy = trial.random(output);
      Operand dx = trial.output(image);
      Operand dw = trial.output(kernel);
      trial.run(b -> b.convolution().backwardData(dy.on(b), w.on(b), window, dx.on(b)));
      trial.run(b -> b.convolution().backwardFilter(x.on(b), dy.on(b), window, dw.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(WINDOWS)
  default void depthwiseConvolution(Window window) {
    int[] channels = ContractSubject.channels();
    int[] turn = {0};
    ContractSubject.images(window)
        .forEach(
            image -> {
              int i = turn[0]++;
              int c = channels[i % channels.length];
              depthwise(Shape.of(image[0], image[1], image[2], c), window, i);
            });
    for (int c : channels) {
      depthwise(Shape.of(2, 15, 13, c), window, turn[0]++);
    }
    depthwise(Shape.of(3, 21, 19, 72), window, turn[0]);
  }

  /** Bias and activation take turns with the case. */
  private void depthwise(Shape image, Window window, int turn) {
    Activation activation = ContractSubject.TURNS.get(turn % ContractSubject.TURNS.size());
    Shape kernel = Shape.of(window.kernel(), window.kernel(), image.channels());
    Shape output = window.output(image, image.channels());
    try (Trial trial = trial("depthwise %s, %s, %s", image, window, activation)) {
      Operand x = trial.random(image);
      Operand w = trial.random(kernel);
      Operand bias = turn % 2 == 0 ? trial.random(image.channels()) : null;
      Operand out = trial.output(output);
      trial.run(
          b ->
              b.depthwise()
                  .forward(x.on(b), w.on(b), window, Trial.on(bias, b), activation, out.on(b)));
      if (bias != null) {
        Operand fixed = trial.output(output);
        trial.run(
            b -> {
              try (FixedKernel fix = b.depthwise().fix(w.on(b), bias.on(b), window)) {
                b.depthwise().forward(x.on(b), fix, activation, fixed.on(b));
              }
            });
      }
      Operand dy = trial.random(output);
      Operand dx = trial.output(image);
      Operand dw = trial.output(kernel);
      trial.run(b -> b.depthwise().backwardData(dy.on(b), w.on(b), window, dx.on(b)));
      trial.run(b -> b.depthwise().backwardFilter(x.on(b), dy.on(b), window, dw.on(b)));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 9, 8, 5, 24, 3, 1, 1, 1", "2, 7, 6, 3, 17, 5, 2, 2, 1"})
  default void expandedDepthwiseConvolution(
      int n, int h, int w, int in, int hidden, int k, int stride, int padding, int dilation) {
    Window window = new Window(k, stride, padding, dilation);
    Shape image = Shape.of(n, h, w, in);
    Shape output = window.output(image, hidden);
    try (Trial trial = trial("expanded %s to %d, %s", image, hidden, window)) {
      Operand x = trial.random(image);
      Operand expand = trial.random(1, 1, in, hidden);
      Operand expandBias = trial.random(hidden);
      Operand kernel = trial.random(k, k, hidden);
      Operand bias = trial.random(hidden);
      Operand out = trial.output(output);
      trial.run(
          b -> {
            try (FixedKernel first =
                    b.convolution()
                        .fix(expand.on(b), expandBias.on(b), Window.POINTWISE, image, 1);
                FixedKernel second = b.depthwise().fix(kernel.on(b), bias.on(b), window)) {
              b.bottleneck()
                  .expanded(
                      x.on(b),
                      first,
                      Activation.RELU6,
                      second,
                      Activation.HSWISH,
                      null,
                      null,
                      out.on(b));
            }
          });
      Operand project = trial.random(1, 1, hidden, 20);
      Operand projectBias = trial.random(20);
      Operand residual = n == 1 ? null : trial.random(output.withChannels(20));
      Operand projected = trial.output(output.withChannels(20));
      trial.run(
          b -> {
            try (FixedKernel first =
                    b.convolution()
                        .fix(expand.on(b), expandBias.on(b), Window.POINTWISE, image, 1);
                FixedKernel second = b.depthwise().fix(kernel.on(b), bias.on(b), window);
                FixedKernel third =
                    b.convolution()
                        .fix(project.on(b), projectBias.on(b), Window.POINTWISE, output, 1)) {
              b.bottleneck()
                  .expanded(
                      x.on(b),
                      first,
                      Activation.RELU,
                      second,
                      Activation.RELU6,
                      third,
                      Trial.on(residual, b),
                      projected.on(b));
            }
          });
    }
  }

  @Test
  default void filterGradientsRepeatBitForBitAndTakeNoNewMemory() {
    Window window = Window.same(3, 1);
    try (Trial trial = trial("repeated filter gradients")) {
      Operand x = trial.random(4, 17, 15, 33);
      Operand dy = trial.random(4, 17, 15, 33);
      Operand dense = trial.output(Shape.of(3, 3, 33, 33));
      Operand depthwise = trial.output(Shape.of(3, 3, 33));
      Backend b = backend();
      b.convolution().backwardFilter(x.on(b), dy.on(b), window, dense.on(b));
      b.depthwise().backwardFilter(x.on(b), dy.on(b), window, depthwise.on(b));
      float[] firstDense = download(dense.on(b));
      float[] firstDepthwise = download(depthwise.on(b));
      long reserved = b.memory().reserved();
      for (int i = 0; i < 3; i++) {
        b.convolution().backwardFilter(x.on(b), dy.on(b), window, dense.on(b));
        b.depthwise().backwardFilter(x.on(b), dy.on(b), window, depthwise.on(b));
        assertArrayEquals(firstDense, download(dense.on(b)));
        assertArrayEquals(firstDepthwise, download(depthwise.on(b)));
      }
      assertEquals(reserved, b.memory().reserved());
    }
  }
}
