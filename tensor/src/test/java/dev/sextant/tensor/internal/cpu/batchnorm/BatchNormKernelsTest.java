package dev.sextant.tensor.internal.cpu.batchnorm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.KernelTests;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vectors")
@Tag("long")
class BatchNormKernelsTest {
  private static final float EPSILON = 1e-3f;
  private static final int[] ROWS = {1, 2, 3, 7, 64, 301, 2500};

  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsLive() {
    assertEquals(0, memory.current());
  }

  /** A batch norm of z in double. */
  private static final class Loops {
    final int channels;
    final int rows;
    final double[] mean;
    final double[] variance;

    Loops(Tensor z) {
      channels = z.shape().channels();
      rows = z.shape().rows();
      mean = new double[channels];
      variance = new double[channels];
      for (int i = 0; i < z.size(); i++) {
        mean[i % channels] += at(z, i) / rows;
      }
      for (int i = 0; i < z.size(); i++) {
        double d = at(z, i) - mean[i % channels];
        variance[i % channels] += d * d / rows;
      }
    }

    double normalised(Tensor z, int i) {
      int c = i % channels;
      return (at(z, i) - mean[c]) / Math.sqrt(variance[c] + EPSILON);
    }
  }

  private static double at(Tensor tensor, int i) {
    return tensor.floats()[tensor.offset() + i];
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void statisticsAgreeWithTwoPasses(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int channels : KernelTests.channelCounts()) {
        for (int rows : ROWS) {
          statistics(team, rows, channels, 0.5, 2);
        }
      }
      statistics(team, 40, 2 * 1152 + 3, 0.5, 2);
    }
  }

  @Test
  void statisticsDoNotCancel() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      statistics(team, 5000, 40, 1000, 1e-2);
      statistics(team, 5000, 3, -1000, 1e-2);
    }
  }

  @Test
  void aMillionRows() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      statistics(team, 1_000_003, 3, 10, 1);
    }
  }

  private void statistics(WorkerTeam team, int rows, int channels, double mean, double deviation) {
    String what = "%d rows of %d".formatted(rows, channels);
    try (Tensor z = KernelTests.random(memory, 1, mean, deviation, rows, channels);
        Tensor means = KernelTests.empty(memory, Shape.of(channels));
        Tensor variances = KernelTests.empty(memory, Shape.of(channels))) {
      new BatchNormKernels(team, memory).statistics(z, means, variances);
      Loops loops = new Loops(z);
      KernelTests.assertClose(loops.mean, means, 1e-6, "mean of " + what);
      for (int c = 0; c < channels; c++) {
        double tolerance = 1e-4 * loops.variance[c] + 1e-12;
        assertEquals(loops.variance[c], at(variances, c), tolerance, "variance of " + what);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void applyAndBackwardAgreeWithPlainLoops(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int channels : KernelTests.channelCounts()) {
        for (int rows : ROWS) {
          for (Activation activation : Activation.values()) {
            applyAndBackward(team, rows, channels, activation);
          }
        }
      }
    }
  }

  private void applyAndBackward(WorkerTeam team, int rows, int channels, Activation activation) {
    BatchNormKernels kernels = new BatchNormKernels(team, memory);
    String what = "%d rows of %d, %s".formatted(rows, channels, activation);
    try (Tensor z = KernelTests.random(memory, 1, 3, 2, rows, channels);
        Tensor dy = KernelTests.random(memory, 2, 0, 1, rows, channels);
        Tensor mean = KernelTests.empty(memory, Shape.of(channels));
        Tensor variance = KernelTests.empty(memory, Shape.of(channels));
        Tensor gamma = KernelTests.random(memory, 3, 1, 1, channels);
        Tensor beta = KernelTests.random(memory, 4, 1, 2, channels);
        Tensor out = KernelTests.empty(memory, z.shape());
        Tensor dz = KernelTests.empty(memory, z.shape());
        Tensor dgamma = KernelTests.empty(memory, Shape.of(channels));
        Tensor dbeta = KernelTests.empty(memory, Shape.of(channels))) {
      kernels.statistics(z, mean, variance);
      BatchNorm norm = new BatchNorm(mean, variance, gamma, beta, EPSILON, activation);
      Loops loops = new Loops(z);
      double[] applied = new double[z.size()];
      double[] added = new double[z.size()];
      double[] g = new double[z.size()];
      double[] wantGamma = new double[channels];
      double[] wantBeta = new double[channels];
      for (int i = 0; i < z.size(); i++) {
        int c = i % channels;
        double pre = at(gamma, c) * loops.normalised(z, i) + at(beta, c);
        applied[i] = activation.apply(pre);
        added[i] = applied[i] + at(dy, i);
        g[i] = at(dy, i) * activation.derivative(pre);
        wantBeta[c] += g[i];
        wantGamma[c] += g[i] * loops.normalised(z, i);
      }
      double[] wantDz = new double[z.size()];
      for (int i = 0; i < z.size(); i++) {
        int c = i % channels;
        double rest = wantBeta[c] / rows + loops.normalised(z, i) * wantGamma[c] / rows;
        wantDz[i] = at(gamma, c) / Math.sqrt(loops.variance[c] + EPSILON) * (g[i] - rest);
      }
      kernels.apply(z, norm, null, out);
      KernelTests.assertClose(applied, out, 2e-5, "apply " + what);
      kernels.apply(z, norm, dy, out);
      KernelTests.assertClose(added, out, 2e-5, "apply with residual " + what);
      kernels.backward(z, norm, dy, dz, dgamma, dbeta);
      KernelTests.assertClose(wantDz, dz, 1e-4, "dz " + what);
      KernelTests.assertClose(wantGamma, dgamma, 1e-4, "dgamma " + what);
      KernelTests.assertClose(wantBeta, dbeta, 1e-4, "dbeta " + what);
      aliases(kernels, norm, z, dy, added, wantDz, dz, dgamma, dbeta, what);
    }
  }

  private void aliases(
      BatchNormKernels kernels,
      BatchNorm norm,
      Tensor z,
      Tensor dy,
      double[] added,
      double[] wantDz,
      Tensor buffer,
      Tensor dgamma,
      Tensor dbeta,
      String what) {
    copy(dy, buffer);
    kernels.backward(z, norm, buffer, buffer, dgamma, dbeta);
    KernelTests.assertClose(wantDz, buffer, 1e-4, "dz in dy " + what);
    copy(dy, buffer);
    kernels.apply(z, norm, buffer, buffer);
    KernelTests.assertClose(added, buffer, 2e-5, "out in residual " + what);
    copy(z, buffer);
    kernels.apply(buffer, norm, dy, buffer);
    KernelTests.assertClose(added, buffer, 2e-5, "out in z " + what);
  }

  private static void copy(Tensor from, Tensor to) {
    System.arraycopy(from.floats(), from.offset(), to.floats(), to.offset(), from.size());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void innerProductAgreesWithPlainLoops(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int channels : KernelTests.channelCounts()) {
        for (int rows : ROWS) {
          innerProduct(team, rows, channels, 3, 2, 2.5, 1e-5);
        }
      }
    }
  }

  @Test
  void innerProductDoesNotCancel() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      innerProduct(team, 5000, 40, 1000, 1e-2, 1000.003, 1e-5);
    }
  }

  private void innerProduct(
      WorkerTeam team,
      int rows,
      int channels,
      double mean,
      double deviation,
      double shift,
      double tolerance) {
    try (Tensor z = KernelTests.random(memory, 1, mean, deviation, rows, channels);
        Tensor dy = KernelTests.random(memory, 2, 0.1, 1, rows, channels);
        Tensor gamma = KernelTests.random(memory, 3, 1, 1, channels);
        Tensor beta = KernelTests.random(memory, 4, 1, 2, channels);
        Tensor shifts = KernelTests.random(memory, 5, shift, 0, channels)) {
      Loops loops = new Loops(z);
      double expected = 0;
      double scale = 1;
      for (int i = 0; i < z.size(); i++) {
        int c = i % channels;
        double term = at(dy, i) * (at(gamma, c) * loops.normalised(z, i) + at(beta, c));
        expected += term;
        scale += Math.abs(term);
      }
      double actual =
          new BatchNormKernels(team, memory).innerProduct(z, dy, gamma, beta, EPSILON, shifts);
      assertEquals(expected, actual, tolerance * scale, rows + " rows of " + channels);
    }
  }

  @Test
  void emptyTensorsAreLegal() {
    try (WorkerTeam team = new WorkerTeam(2);
        Tensor z = KernelTests.random(memory, 1, 0, 1, 0, 4);
        Tensor mean = KernelTests.empty(memory, Shape.of(4));
        Tensor variance = KernelTests.empty(memory, Shape.of(4));
        Tensor gamma = KernelTests.random(memory, 1, 0, 1, 4);
        Tensor dgamma = KernelTests.empty(memory, Shape.of(4));
        Tensor dbeta = KernelTests.empty(memory, Shape.of(4))) {
      BatchNormKernels kernels = new BatchNormKernels(team, memory);
      kernels.statistics(z, mean, variance);
      KernelTests.assertClose(new double[4], mean, 0, "mean");
      KernelTests.assertClose(new double[4], variance, 0, "variance");
      BatchNorm norm = new BatchNorm(mean, variance, gamma, gamma, EPSILON, Activation.RELU);
      kernels.apply(z, norm, null, z);
      kernels.backward(z, norm, z, z, dgamma, dbeta);
      KernelTests.assertClose(new double[4], dgamma, 0, "dgamma");
      KernelTests.assertClose(new double[4], dbeta, 0, "dbeta");
      assertEquals(0, kernels.innerProduct(z, z, gamma, gamma, EPSILON, gamma));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sameBitsFromRunToRun(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads);
        Tensor z = KernelTests.random(memory, 1, 0, 1, 3000, 40);
        Tensor mean = KernelTests.empty(memory, Shape.of(40));
        Tensor variance = KernelTests.empty(memory, Shape.of(40))) {
      BatchNormKernels kernels = new BatchNormKernels(team, memory);
      kernels.statistics(z, mean, variance);
      float[] first = variance.toArray();
      for (int i = 0; i < 50; i++) {
        kernels.statistics(z, mean, variance);
        assertArrayEquals(first, variance.toArray());
      }
    }
  }

  @Test
  @Tag("steady-state")
  void steadyStateAllocatesNothing() {
    try (WorkerTeam team = new WorkerTeam(2);
        Tensor z = KernelTests.random(memory, 1, 0, 1, 501, 39);
        Tensor dy = KernelTests.random(memory, 2, 0, 1, 501, 39);
        Tensor out = KernelTests.empty(memory, z.shape());
        Tensor mean = KernelTests.random(memory, 3, 0, 1, 39);
        Tensor variance = KernelTests.random(memory, 4, 9, 1, 39);
        Tensor a = KernelTests.random(memory, 5, 0, 1, 39);
        Tensor b = KernelTests.random(memory, 6, 0, 1, 39)) {
      BatchNormKernels kernels = new BatchNormKernels(team, memory);
      for (Activation activation : Activation.values()) {
        BatchNorm norm = new BatchNorm(mean, variance, mean, variance, EPSILON, activation);
        KernelTests.assertNoAllocation(
            "batch norm " + activation,
            5,
            () -> {
              kernels.statistics(z, a, b);
              kernels.apply(z, norm, null, out);
              kernels.apply(z, norm, dy, out);
              kernels.backward(z, norm, dy, out, a, b);
              kernels.innerProduct(z, dy, mean, variance, EPSILON, mean);
            });
      }
    }
  }
}
