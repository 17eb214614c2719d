package dev.sextant.tensor.internal.cpu.depthwise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.KernelTests;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vectors")
@Tag("long")
class DepthwiseKernelsTest {
  private static final double TOLERANCE = 2e-5;
  private static final int[][] IMAGES = {
    {1, 1}, {1, 9}, {9, 1}, {4, 5}, {8, 8}, {7, 9}, {2, 18}, {7, 7}, {3, 28}
  };

  private final Memory memory = new Memory();
  private final WorkerTeam[] teams = {new WorkerTeam(1), new WorkerTeam(2), new WorkerTeam(3)};

  @AfterEach
  void nothingIsLive() {
    for (WorkerTeam team : teams) {
      team.close();
    }
    assertEquals(0, memory.current());
  }

  @Test
  void agreesWithPlainLoops() {
    for (int kernel : new int[] {1, 2, 3, 5, 7, 9}) {
      for (int stride = 1; stride <= 3; stride++) {
        for (int dilation = 1; dilation <= 3; dilation++) {
          int span = dilation * (kernel - 1) + 1;
          for (int padding : new int[] {0, 1, span / 2, span + 1}) {
            Window window = new Window(kernel, stride, padding, dilation);
            for (int[] image : IMAGES) {
              if (Math.min(image[0], image[1]) + 2 * padding >= span) {
                int channels = KernelTests.channelCounts()[(kernel + padding + image[1]) % 5];
                compare(window, image, channels);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void everyChannelCount() {
    for (int channels : KernelTests.channelCounts()) {
      compare(Window.same(3, 1), new int[] {5, 9}, channels);
      compare(Window.same(5, 2), new int[] {9, 5}, channels);
    }
    compare(Window.same(7, 1), new int[] {9, 30}, 9 * KernelTests.LANES + 3);
  }

  private void compare(Window window, int[] image, int channels) {
    int h = image[0];
    int w = image[1];
    int k = window.kernel();
    try (Tensor x = KernelTests.random(memory, 1, 0, 1, 2, h, w, channels);
        Tensor filter = KernelTests.random(memory, 2, 0, 1, k, k, channels);
        Tensor dy = random(window.output(x.shape(), channels));
        Tensor out = KernelTests.empty(memory, dy.shape());
        Tensor dx = KernelTests.empty(memory, x.shape());
        Tensor dw = KernelTests.empty(memory, filter.shape())) {
      Loops loops = new Loops(x, filter, dy, window);
      for (WorkerTeam team : teams) {
        DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
        kernels.forward(x, filter, window, null, Activation.IDENTITY, out);
        try (Tensor bias = KernelTests.random(memory, 3, 0, 0, channels);
            Tensor fixedOut = KernelTests.empty(memory, out.shape());
            FixedKernel fixed = kernels.fix(filter, bias, window)) {
          kernels.forward(x, fixed, Activation.IDENTITY, fixedOut);
          assertArrayEquals(out.toArray(), fixedOut.toArray());
        }
        kernels.backwardData(dy, filter, window, dx);
        kernels.backwardFilter(x, dy, window, dw);
        String what = "%dx%dx%d %s, %d threads".formatted(h, w, channels, window, team.threads());
        KernelTests.assertClose(loops.out, out, TOLERANCE, "forward " + what);
        KernelTests.assertClose(loops.dx, dx, TOLERANCE, "backward data " + what);
        KernelTests.assertClose(loops.dw, dw, TOLERANCE, "backward filter " + what);
      }
    }
  }

  private Tensor random(Shape shape) {
    return KernelTests.random(
        memory, 3, 0, 1, shape.get(0), shape.get(1), shape.get(2), shape.get(3));
  }

  /** All three passes as one loop over the taps. */
  private static final class Loops {
    final double[] out;
    final double[] dx;
    final double[] dw;

    Loops(Tensor x, Tensor filter, Tensor dy, Window window) {
      out = new double[dy.size()];
      dx = new double[x.size()];
      dw = new double[filter.size()];
      int h = x.shape().get(1);
      int w = x.shape().get(2);
      int channels = x.shape().get(3);
      int outH = dy.shape().get(1);
      int outW = dy.shape().get(2);
      int k = window.kernel();
      for (int n = 0; n < x.shape().get(0); n++) {
        for (int pixel = 0; pixel < outH * outW; pixel++) {
          for (int tap = 0; tap < k * k; tap++) {
            int row =
                pixel / outW * window.stride() + tap / k * window.dilation() - window.padding();
            int column =
                pixel % outW * window.stride() + tap % k * window.dilation() - window.padding();
            if (row < 0 || row >= h || column < 0 || column >= w) {
              continue;
            }
            for (int c = 0; c < channels; c++) {
              int o = (n * outH * outW + pixel) * channels + c;
              int i = ((n * h + row) * w + column) * channels + c;
              int f = tap * channels + c;
              double weight = filter.floats()[filter.offset() + f];
              double value = x.floats()[x.offset() + i];
              double gradient = dy.floats()[dy.offset() + o];
              out[o] += value * weight;
              dx[i] += gradient * weight;
              dw[f] += gradient * value;
            }
          }
        }
      }
    }
  }

  @Test
  void addsBiasAndActivates() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      Window window = Window.same(3, 1);
      for (int channels : KernelTests.channelCounts()) {
        try (Tensor x = KernelTests.random(memory, 1, 0, 1, 2, 5, 6, channels);
            Tensor filter = KernelTests.random(memory, 2, 0, 1, 3, 3, channels);
            Tensor bias = KernelTests.random(memory, 3, 1, 2, channels);
            Tensor out = KernelTests.empty(memory, x.shape())) {
          double[] raw = new Loops(x, filter, x, window).out;
          for (Activation activation : Activation.values()) {
            double[] expected = new double[raw.length];
            for (int i = 0; i < raw.length; i++) {
              double b = bias.floats()[bias.offset() + i % channels];
              expected[i] = activation.apply(raw[i] + b);
            }
            kernels.forward(x, filter, window, bias, activation, out);
            KernelTests.assertClose(expected, out, TOLERANCE, activation + " " + channels);
          }
        }
      }
    }
  }

  /** Rows are cut into blocks whose ends and overlaps depend on their width. */
  @ParameterizedTest
  @ValueSource(ints = {3, 5, 7})
  void everyWidthOfAnImageThatIsReadWhereItLies(int kernel) {
    try (WorkerTeam team = new WorkerTeam(2);
        Tensor filter = KernelTests.random(memory, 2, 0, 1, kernel, kernel, 21)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      for (int stride = 1; stride <= 2; stride++) {
        Window window = Window.same(kernel, stride);
        for (int width = 1; width <= 50; width++) {
          Shape image = Shape.of(1, 1 + width % 6, width, 21);
          Activation clamp = width % 2 == 0 ? Activation.RELU6 : Activation.RELU;
          try (Tensor x = KernelTests.random(memory, width, 0, 1, 1, 1 + width % 6, width, 21);
              Tensor out = KernelTests.empty(memory, window.output(image, 21))) {
            double[] expected = new Loops(x, filter, out, window).out;
            for (int i = 0; i < expected.length; i++) {
              expected[i] = clamp.apply(expected[i]);
            }
            kernels.forward(x, filter, window, null, clamp, out);
            KernelTests.assertClose(expected, out, TOLERANCE, window + " of " + image);
          }
        }
      }
    }
  }

  @Test
  void emptyTensorsAreLegal() {
    try (WorkerTeam team = new WorkerTeam(2);
        Tensor x = KernelTests.random(memory, 1, 0, 1, 0, 5, 5, 8);
        Tensor filter = KernelTests.random(memory, 2, 0, 1, 3, 3, 8);
        Tensor dw = KernelTests.empty(memory, filter.shape());
        Tensor none = KernelTests.random(memory, 1, 0, 1, 2, 5, 5, 0);
        Tensor noFilter = KernelTests.random(memory, 1, 0, 1, 3, 3, 0)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      Window window = Window.same(3, 1);
      kernels.forward(x, filter, window, null, Activation.RELU, x);
      kernels.backwardData(x, filter, window, x);
      kernels.backwardFilter(x, x, window, dw);
      KernelTests.assertClose(new double[dw.size()], dw, 0, "no images");
      kernels.forward(none, noFilter, window, null, Activation.RELU, none);
      kernels.backwardData(none, noFilter, window, none);
      kernels.backwardFilter(none, none, window, noFilter);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sameBitsFromRunToRun(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads);
        Tensor x = KernelTests.random(memory, 1, 0, 1, 3, 7, 9, 40);
        Tensor dw = KernelTests.empty(memory, Shape.of(5, 5, 40))) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      kernels.backwardFilter(x, x, Window.same(5, 1), dw);
      float[] first = dw.toArray();
      for (int i = 0; i < 50; i++) {
        kernels.backwardFilter(x, x, Window.same(5, 1), dw);
        assertArrayEquals(first, dw.toArray());
      }
    }
  }

  @Test
  @Tag("steady-state")
  void steadyStateAllocatesNothing() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      for (int k : new int[] {3, 5, 7, 9}) {
        for (int stride = 1; stride <= 3; stride++) {
          Window window = Window.same(k, stride);
          try (Tensor x = KernelTests.random(memory, 1, 0, 1, 2, 12, 12, 40);
              Tensor filter = KernelTests.random(memory, 2, 0, 1, k, k, 40);
              Tensor out = KernelTests.empty(memory, window.output(x.shape(), 40));
              Tensor dx = KernelTests.empty(memory, x.shape());
              Tensor dw = KernelTests.empty(memory, filter.shape())) {
            KernelTests.assertNoAllocation(
                "depthwise " + window,
                4,
                () -> {
                  kernels.forward(x, filter, window, null, Activation.HSWISH, out);
                  kernels.forward(x, filter, window, null, Activation.RELU6, out);
                  kernels.backwardData(out, filter, window, dx);
                  kernels.backwardFilter(x, out, window, dw);
                });
          }
        }
      }
    }
  }
}
