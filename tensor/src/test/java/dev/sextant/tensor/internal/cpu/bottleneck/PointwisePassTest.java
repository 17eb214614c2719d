package dev.sextant.tensor.internal.cpu.bottleneck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.KernelTests;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the contract tests of the kernels do not look at: repetition and allocation. */
@Tag("vectors")
@Tag("long")
class PointwisePassTest {
  private static final float EPSILON = 1e-3f;

  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsLive() {
    assertEquals(0, memory.current(), memory::largestHolders);
  }

  /** The operands of a convolution of 700 pixels, 39 to 50 channels, between two norms. */
  private final class Operands implements AutoCloseable {
    final Memory.Scope scope = memory.scope();
    final Tensor x = KernelTests.random(memory, 1, 0, 1, 700, 39);
    final Tensor w = KernelTests.random(memory, 2, 0, 1, 39, 50);
    final Tensor z = KernelTests.random(memory, 3, 0, 1, 700, 50);
    final Tensor g = KernelTests.random(memory, 4, 0, 1, 700, 50);
    final Tensor gx = KernelTests.empty(memory, x.shape());
    final Tensor dw = KernelTests.empty(memory, w.shape());
    final Tensor gamma = KernelTests.random(memory, 5, 1, 1, 50);
    final Tensor mean = KernelTests.empty(memory, Shape.of(50));
    final Tensor variance = KernelTests.empty(memory, Shape.of(50));
    final NormGradient in;
    final NormGradient out;

    Operands(Activation activation) {
      in = gradient(39, activation);
      out = gradient(50, activation);
    }

    private NormGradient gradient(int channels, Activation activation) {
      return new NormGradient(
          new BatchNorm(
              KernelTests.random(memory, 6, 0, 1, channels),
              KernelTests.random(memory, 7, 9, 1, channels),
              KernelTests.random(memory, 8, 1, 1, channels),
              KernelTests.random(memory, 9, 0, 1, channels),
              EPSILON,
              activation),
          KernelTests.random(memory, 10, 0, 1, channels),
          KernelTests.random(memory, 11, 0, 1, channels));
    }

    double all(PointwiseForward forward, PointwiseBackward backward) {
      forward.run(x, in.norm(), w, z, mean, variance);
      backward.backwardData(g, z, out, w, x, in, gx);
      backward.backwardFilter(x, in.norm(), g, z, out, dw);
      return forward.innerProduct(x, in.norm(), w, g, gamma, gamma, EPSILON, mean);
    }

    @Override
    public void close() {
      scope.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sameBitsFromRunToRun(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads);
        Operands operands = new Operands(Activation.HSWISH)) {
      PointwiseForward forward = new PointwiseForward(team, memory);
      PointwiseBackward backward = new PointwiseBackward(team, memory);
      double product = operands.all(forward, backward);
      float[] gx = operands.gx.toArray();
      float[] dw = operands.dw.toArray();
      float[] variance = operands.variance.toArray();
      for (int i = 0; i < 20; i++) {
        assertEquals(product, operands.all(forward, backward));
        assertArrayEquals(gx, operands.gx.toArray());
        assertArrayEquals(dw, operands.dw.toArray());
        assertArrayEquals(variance, operands.variance.toArray());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  @Tag("steady-state")
  void steadyStateAllocatesNothing(Activation activation) {
    try (WorkerTeam team = new WorkerTeam(2);
        Operands operands = new Operands(activation)) {
      PointwiseForward forward = new PointwiseForward(team, memory);
      PointwiseBackward backward = new PointwiseBackward(team, memory);
      // Each takes two pieces of workspace.
      KernelTests.assertNoAllocation(
          "pointwise between norms, " + activation, 8, () -> operands.all(forward, backward));
    }
  }
}
