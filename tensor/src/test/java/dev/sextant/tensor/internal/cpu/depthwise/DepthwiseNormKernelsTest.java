package dev.sextant.tensor.internal.cpu.depthwise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.KernelTests;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Depthwise kernels between batch norms: what the contract of a backend does not show, such as how
 * the work is divided and what is allocated.
 */
@Tag("vectors")
@Tag("long")
class DepthwiseNormKernelsTest {
  private static final float EPSILON = 1e-3f;

  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsLive() {
    assertEquals(0, memory.current());
  }

  /** Operands of a convolution between two norms. */
  private final class Case implements AutoCloseable {
    private final List<Tensor> all = new ArrayList<>();
    final Window window;
    final Tensor x;
    final Tensor w;
    final Tensor z;
    final Tensor g;
    final Tensor mean;
    final Tensor variance;
    final Tensor dw;
    final Tensor gx;
    final NormGradient input;
    final NormGradient output;

    Case(Window window, Activation activation, int... image) {
      this.window = window;
      int channels = image[3];
      x = random(1, image);
      Shape shape = window.output(x.shape(), channels);
      int[] outputs = {shape.get(0), shape.get(1), shape.get(2), channels};
      w = random(2, window.kernel(), window.kernel(), channels);
      z = random(3, outputs);
      g = random(4, outputs);
      mean = random(5, channels);
      variance = random(6, channels);
      dw = random(7, window.kernel(), window.kernel(), channels);
      gx = random(8, image);
      input = gradient(9, channels, activation);
      output = gradient(19, channels, activation);
    }

    private Tensor random(long seed, int... extents) {
      Tensor tensor = KernelTests.random(memory, seed, 0, 1, extents);
      all.add(tensor);
      return tensor;
    }

    private NormGradient gradient(long seed, int channels, Activation activation) {
      Tensor spread = KernelTests.random(memory, seed, 3, 0.1, channels);
      all.add(spread);
      BatchNorm norm =
          new BatchNorm(
              random(seed + 1, channels),
              spread,
              random(seed + 2, channels),
              random(seed + 3, channels),
              EPSILON,
              activation);
      return new NormGradient(norm, random(seed + 4, channels), random(seed + 5, channels));
    }

    void forward(DepthwiseKernels kernels) {
      kernels.forwardNormalized(x, input.norm(), w, window, z, mean, variance);
    }

    void backward(DepthwiseKernels kernels) {
      kernels.backwardNormalized(g, z, output, w, window, x, input, dw, gx);
    }

    @Override
    public void close() {
      all.forEach(Tensor::close);
    }
  }

  /** One image is divided into bands of rows where a team is larger than its tiles. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void anyTeamFindsTheSame(int threads) {
    int[] widths = {3, KernelTests.LANES + 5, 3 * KernelTests.LANES};
    for (int stride = 1; stride <= 2; stride++) {
      for (int channels : widths) {
        try (WorkerTeam one = new WorkerTeam(1);
            WorkerTeam team = new WorkerTeam(threads);
            Case c = new Case(Window.same(5, stride), Activation.RELU6, 1, 23, 10, channels)) {
          c.forward(new DepthwiseKernels(one, memory));
          double[] z = doubles(c.z);
          double[] mean = doubles(c.mean);
          double[] variance = doubles(c.variance);
          c.forward(new DepthwiseKernels(team, memory));
          KernelTests.assertClose(z, c.z, 0, "z");
          KernelTests.assertClose(mean, c.mean, 1e-6, "mean");
          KernelTests.assertClose(variance, c.variance, 1e-6, "variance");

          c.backward(new DepthwiseKernels(one, memory));
          double[] dw = doubles(c.dw);
          double[] gx = doubles(c.gx);
          double[] dgamma = doubles(c.input.dgamma());
          double[] dbeta = doubles(c.input.dbeta());
          c.backward(new DepthwiseKernels(team, memory));
          KernelTests.assertClose(gx, c.gx, 0, "gx");
          KernelTests.assertClose(dw, c.dw, 1e-5, "dw");
          KernelTests.assertClose(dgamma, c.input.dgamma(), 1e-5, "dgamma");
          KernelTests.assertClose(dbeta, c.input.dbeta(), 1e-5, "dbeta");
        }
      }
    }
  }

  private static double[] doubles(Tensor tensor) {
    double[] values = new double[tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.floats()[tensor.offset() + i];
    }
    return values;
  }

  /** Wherever the first row lies, a thousand deviations from the mean of the others too. */
  @Test
  void varianceWithAnOutlyingFirstRow() {
    Window pointwise = Window.POINTWISE;
    try (WorkerTeam team = new WorkerTeam(2);
        Case c = new Case(pointwise, Activation.IDENTITY, 6, 31, 17, 5)) {
      int row = 17 * 5;
      for (int i = 0; i < c.x.size(); i++) {
        c.x.floats()[c.x.offset() + i] += i < row ? 4000 : 5000;
      }
      java.util.Arrays.fill(c.w.floats(), c.w.offset(), c.w.offset() + c.w.size(), 1f);
      new DepthwiseKernels(team, memory)
          .forwardNormalized(c.x, null, c.w, pointwise, c.z, c.mean, c.variance);
      double[] mean = new double[5];
      double[] variance = new double[5];
      int count = c.x.size() / 5;
      for (int i = 0; i < c.x.size(); i++) {
        mean[i % 5] += c.x.floats()[c.x.offset() + i] / (double) count;
      }
      for (int i = 0; i < c.x.size(); i++) {
        double d = c.x.floats()[c.x.offset() + i] - mean[i % 5];
        variance[i % 5] += d * d / count;
      }
      KernelTests.assertClose(mean, c.mean, 1e-6, "mean");
      KernelTests.assertClose(variance, c.variance, 1e-5, "variance");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sameBitsFromRunToRun(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads);
        Case c = new Case(Window.same(3, 1), Activation.HSWISH, 3, 9, 11, 40)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      c.forward(kernels);
      c.backward(kernels);
      List<Tensor> outputs =
          List.of(c.z, c.mean, c.variance, c.dw, c.gx, c.input.dgamma(), c.input.dbeta());
      List<float[]> first = outputs.stream().map(Tensor::toArray).toList();
      for (int i = 0; i < 50; i++) {
        c.forward(kernels);
        c.backward(kernels);
        for (int j = 0; j < first.size(); j++) {
          assertArrayEquals(first.get(j), outputs.get(j).toArray());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  @Tag("steady-state")
  void steadyStateAllocatesNothing(Activation activation) {
    int[][] windows = {{3, 1}, {5, 1}, {7, 1}, {9, 1}, {3, 2}, {5, 2}, {7, 2}};
    try (WorkerTeam team = new WorkerTeam(2)) {
      DepthwiseKernels kernels = new DepthwiseKernels(team, memory);
      for (int[] window : windows) {
        for (int channels : new int[] {5, 40}) {
          try (Case c =
              new Case(Window.same(window[0], window[1]), activation, 2, 12, 12, channels)) {
            KernelTests.assertNoAllocation(
                "depthwise %s %s %d channels".formatted(c.window, activation, channels),
                2,
                () -> {
                  c.forward(kernels);
                  c.backward(kernels);
                });
          }
        }
      }
    }
  }
}
