package dev.sextant.tensor.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Loops that carry vectors from turn to turn allocate none of them, whatever the JIT compiler knows
 * of types: as all tests of a steady state in this module, these run without its profile (see
 * {@link VectorWidth#SPECIES}).
 */
@Tag("steady-state")
class CarriedVectorsTest {
  private static final int CHANNELS = 40;

  private final Backend backend = CpuBackend.open(2);
  private final Memory memory = backend.memory();
  private final Memory.Scope scope = memory.scope();

  @AfterEach
  void nothingIsLive() {
    scope.close();
    assertEquals(0, memory.current(), memory::largestHolders);
    backend.close();
  }

  /** A long inner extent: the workers' partial products are added up. */
  @Test
  void partialSums() {
    Tensor a = random(2048, 16);
    Tensor b = random(2048, 96);
    Tensor c = random(16, 96);
    allocatesNothing("gemm", () -> backend.gemm().multiply(a, true, b, false, c, false));
    allocatesNothing("gemm, adding", () -> backend.gemm().multiply(a, true, b, false, c, true));
    Tensor swapped = random(96, 16);
    allocatesNothing(
        "gemm, swapped", () -> backend.gemm().multiply(b, true, a, false, swapped, false));
  }

  @Test
  void sums() {
    Tensor x = random(4, 9, 9, CHANNELS);
    Tensor y = random(4, 9, 9, CHANNELS);
    Tensor perChannel = random(CHANNELS);
    allocatesNothing("sum", () -> backend.elementwise().sum(x));
    allocatesNothing("dot", () -> backend.elementwise().dot(x, y));
    allocatesNothing("channel sum", () -> backend.channels().sum(x, perChannel));
  }

  @Test
  void poolings() {
    Tensor x = random(4, 12, 12, CHANNELS);
    Tensor halved = random(4, 6, 6, CHANNELS);
    Tensor means = random(4, CHANNELS);
    Tensor dx = random(4, 12, 12, CHANNELS);
    for (int kernel : new int[] {3, 5}) {
      Window window = Window.same(kernel, 2);
      allocatesNothing("max pool " + window, () -> backend.pooling().max(x, window, halved));
      allocatesNothing(
          "max pool backward " + window,
          () -> backend.pooling().maxBackward(x, halved, window, dx));
      allocatesNothing(
          "average pool " + window, () -> backend.pooling().average(x, window, halved));
      allocatesNothing(
          "average pool backward " + window,
          () -> backend.pooling().averageBackward(halved, window, dx));
    }
    allocatesNothing("global average", () -> backend.pooling().globalAverage(x, means));
    allocatesNothing(
        "global average backward", () -> backend.pooling().globalAverageBackward(means, dx));
  }

  @Test
  void loss() {
    Tensor logits = random(64, 100);
    Tensor gradient = random(64, 100);
    Tensor labels = memory.ints(Shape.of(64), Category.DATA, "labels");
    labels.set(new int[64]);
    allocatesNothing(
        "loss", () -> backend.loss().softmaxCrossEntropy(logits, labels, 0.1f, gradient));
  }

  private Tensor random(int... extents) {
    return KernelTests.random(memory, extents.length, 0, 1, extents);
  }

  private static void allocatesNothing(String what, Runnable call) {
    KernelTests.assertNoAllocation(what, 1, call);
  }
}
