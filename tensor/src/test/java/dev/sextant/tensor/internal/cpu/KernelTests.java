package dev.sextant.tensor.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.lang.management.ManagementFactory;
import java.util.Random;

/** What the tests of the CPU kernels share. */
public final class KernelTests {
  public static final int LANES = VectorWidth.SPECIES.length();

  /**
   * Bytes for the handle of a kernel's workspace; a kernel that boxes vectors takes many times
   * this.
   */
  private static final long HANDLES = 512;

  private KernelTests() {}

  /** Channel counts around the vector length. */
  public static int[] channelCounts() {
    return new int[] {1, LANES - 1, LANES, LANES + 1, 40};
  }

  /** Normal deviates around a mean, at an offset other than 0 of their storage. */
  public static Tensor random(
      Memory memory, long seed, double mean, double deviation, int... extents) {
    Shape shape = Shape.of(extents);
    Tensor tensor = empty(memory, shape);
    Random random = new Random(seed);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.floats()[tensor.offset() + i] = (float) (mean + deviation * random.nextGaussian());
    }
    return tensor;
  }

  /** NaNs, with NaNs around them, at an offset other than 0. */
  public static Tensor empty(Memory memory, Shape shape) {
    int rest = shape.rank() == 0 ? 1 : Math.max(1, shape.withBatch(1).size());
    int batch = shape.get(0);
    try (Tensor whole = memory.floats(shape.withBatch(batch + 2), Category.DATA, "test")) {
      int from = whole.offset();
      java.util.Arrays.fill(whole.floats(), from, from + (batch + 2) * rest, Float.NaN);
      return whole.slice(1, batch + 1);
    }
  }

  /** Checks every element, and that nothing around the tensor was written. */
  public static void assertClose(double[] expected, Tensor actual, double tolerance, String what) {
    assertEquals(expected.length, actual.size(), what);
    for (int i = 0; i < expected.length; i++) {
      double value = actual.floats()[actual.offset() + i];
      if (!(Math.abs(value - expected[i]) <= tolerance * (1 + Math.abs(expected[i])))) {
        fail(what + ": " + value + " instead of " + expected[i] + " at " + i);
      }
    }
    if (actual.size() > 0) {
      float before = actual.floats()[actual.offset() - 1];
      float after = actual.floats()[actual.offset() + actual.size()];
      if (!Float.isNaN(before) || !Float.isNaN(after)) {
        fail(what + ": wrote outside the tensor");
      }
    }
  }

  /** Waits for the compiler until some kernel calls take nothing from the heap but handles. */
  public static void assertNoAllocation(String what, int kernels, Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long end = System.nanoTime() + 30_000_000_000L;
    long perCall;
    do {
      for (int i = 0; i < 200; i++) {
        call.run();
      }
      long before = threads.getTotalThreadAllocatedBytes();
      for (int i = 0; i < 20; i++) {
        call.run();
      }
      perCall = (threads.getTotalThreadAllocatedBytes() - before) / 20;
    } while (perCall > kernels * HANDLES && System.nanoTime() < end);
    if (perCall > kernels * HANDLES) {
      fail(what + " allocates " + perCall + " bytes a call");
    }
  }
}
