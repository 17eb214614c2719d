package dev.sextant.tensor.internal.cpu.gemm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vectors")
@Tag("long")
class GemmKernelsTest {
  private static final int LANES = GemmBlock.LANES;

  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsHeld() {
    assertEquals(0, memory.current(), memory::largestHolders);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void agreesWithADoubleLoopAtAwkwardSizes(int threads) {
    int[] extents = {0, 1, LANES - 1, LANES + 1, 9, 35, 3 * LANES + 1};
    try (WorkerTeam team = new WorkerTeam(threads)) {
      GemmKernels gemm = new GemmKernels(team, memory);
      for (int m : extents) {
        for (int n : extents) {
          for (int k : extents) {
            checkAllForms(gemm, m, n, k);
          }
        }
      }
    }
  }

  /** Packed b, several blocks of k, a tail of b, and an inner extent cut among workers. */
  @ParameterizedTest
  @CsvSource({
    "300, 70, 700",
    "257, 24, 1030",
    "49, 100, 600",
    "5, 24, 3000",
    "40, 24, 5000",
    "24, 40, 5000",
    "16, 96, 4096",
    "1, 1000, 1280",
    "65, 7, 1100"
  })
  void agreesWithADoubleLoopAtLargeSizes(int m, int n, int k) {
    for (int threads = 1; threads <= 3; threads++) {
      try (WorkerTeam team = new WorkerTeam(threads)) {
        checkAllForms(new GemmKernels(team, memory), m, n, k);
      }
    }
  }

  private void checkAllForms(GemmKernels gemm, int m, int n, int k) {
    for (int form = 0; form < 8; form++) {
      check(gemm, m, n, k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0);
    }
  }

  private void check(
      GemmKernels gemm, int m, int n, int k, boolean ta, boolean tb, boolean accumulate) {
    try (Tensor a = random(ta ? Shape.of(k, m) : Shape.of(m, k), 1);
        Tensor b = random(tb ? Shape.of(n, k) : Shape.of(k, n), 2);
        // A slice at the very end of its array: nothing may be read or written past it.
        Tensor whole = random(Shape.of(3, m * n), 3);
        Tensor last = whole.slice(2, 3);
        Tensor c = last.reshape(Shape.of(m, n))) {
      float[] before = whole.toArray();
      double[] expected = new double[m * n];
      float[] x = a.toArray();
      float[] y = b.toArray();
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = accumulate ? before[2 * m * n + i * n + j] : 0;
          for (int p = 0; p < k; p++) {
            sum += (double) x[ta ? p * m + i : i * k + p] * y[tb ? j * k + p : p * n + j];
          }
          expected[i * n + j] = sum;
        }
      }
      gemm.multiply(a, ta, b, tb, c, accumulate);
      String what = "[%d,%d,%d] %b %b %b".formatted(m, n, k, ta, tb, accumulate);
      float[] after = whole.toArray();
      double tolerance = 1e-6 * (4 + Math.sqrt(k));
      for (int i = 0; i < m * n; i++) {
        assertEquals(before[i], after[i], what);
        assertEquals(expected[i], after[2 * m * n + i], tolerance, what);
      }
    }
  }

  /** A garbage value behind the last row of b must not reach a result, NaN least of all. */
  @Test
  void ignoresWhatLiesBehindARow() {
    try (WorkerTeam team = new WorkerTeam(1);
        Tensor a = random(Shape.of(4, 5), 1);
        Tensor whole = random(Shape.of(10, 3), 2);
        Tensor b = whole.slice(0, 5);
        Tensor c = random(Shape.of(4, 3), 3)) {
      for (int i = 15; i < 30; i++) {
        whole.floats()[whole.offset() + i] = Float.NaN;
      }
      new GemmKernels(team, memory).multiply(a, false, b, false, c, false);
      for (float value : c.toArray()) {
        assertTrue(Float.isFinite(value));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void isTheSameFromRunToRun(int threads) {
    for (int[] size : new int[][] {{96, 24, 20000}, {300, 200, 100}, {49, 96, 300}}) {
      try (Tensor a = random(Shape.of(size[2], size[0]), 1);
          Tensor b = random(Shape.of(size[2], size[1]), 2);
          Tensor c = random(Shape.of(size[0], size[1]), 3)) {
        float[] first = {};
        for (int run = 0; run < 5; run++) {
          try (WorkerTeam team = new WorkerTeam(threads)) {
            new GemmKernels(team, memory).multiply(a, true, b, false, c, false);
          }
          if (run == 0) {
            first = c.toArray();
          }
          assertArrayEquals(first, c.toArray());
        }
      }
    }
  }

  /**
   * Boxed vectors would be megabytes a call. In a steady state only the handles of workspace
   * tensors are left, and not even those where b is read in place.
   */
  @Tag("steady-state")
  @ParameterizedTest
  @CsvSource({"49, 96, 64, 64", "512, 50, 64, 1024", "64, 48, 4096, 1024"})
  void doesNotAllocate(int m, int n, int k, long bytes) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().threadId();
    try (WorkerTeam team = new WorkerTeam(1);
        Tensor a = random(Shape.of(m, k), 1);
        Tensor b = random(Shape.of(k, n), 2);
        Tensor c = random(Shape.of(m, n), 3)) {
      GemmKernels gemm = new GemmKernels(team, memory);
      long least = Long.MAX_VALUE;
      long deadline = System.nanoTime() + 20_000_000_000L;
      while (least > bytes && System.nanoTime() < deadline) {
        long before = threads.getThreadAllocatedBytes(self);
        for (int i = 0; i < 20; i++) {
          gemm.multiply(a, false, b, false, c, false);
        }
        least = Math.min(least, (threads.getThreadAllocatedBytes(self) - before) / 20);
      }
      assertTrue(least <= bytes, least + " bytes a call");
    }
  }

  private Tensor random(Shape shape, int seed) {
    Tensor tensor = memory.floats(shape, Memory.Category.DATA, "random");
    Random random = new Random(seed);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.floats()[tensor.offset() + i] = random.nextFloat() - 0.5f;
    }
    return tensor;
  }
}
