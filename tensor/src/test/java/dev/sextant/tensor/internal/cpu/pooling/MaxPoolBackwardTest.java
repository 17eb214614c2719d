package dev.sextant.tensor.internal.cpu.pooling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.KernelTests;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the contract tests of poolings do not look at: NaNs, infinities and zeros of both signs,
 * windows with pixels between them or in the padding alone, teams of several sizes, allocation.
 */
@Tag("vectors")
@Tag("long")
class MaxPoolBackwardTest {
  private static final float[] VALUES = {
    Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, -0f, 0f, -1, 1, -1, 0f
  };

  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsLive() {
    assertEquals(0, memory.current(), memory::largestHolders);
  }

  static Stream<Window> windows() {
    return Stream.of(
        new Window(3, 1, 1, 1),
        new Window(3, 2, 1, 1),
        new Window(3, 1, 0, 1),
        new Window(3, 1, 2, 1),
        new Window(3, 5, 1, 1),
        new Window(3, 1, 2, 2),
        new Window(3, 3, 0, 2),
        new Window(1, 3, 0, 1),
        new Window(2, 1, 1, 1),
        new Window(2, 3, 0, 1),
        new Window(5, 2, 2, 1),
        new Window(4, 1, 2, 2));
  }

  @ParameterizedTest
  @MethodSource("windows")
  void goesToTheFirstMaximumOrNan(Window window) {
    for (int channels : KernelTests.channelCounts()) {
      // Most windows with a NaN or an infinity, then most without.
      for (int first = 0; first <= 3; first += 3) {
        compare(window, channels, first);
      }
    }
  }

  private void compare(Window window, int channels, int first) {
    String what = "%s, %d channels, values from %d".formatted(window, channels, first);
    try (Memory.Scope _ = memory.scope();
        ReferenceBackend reference = new ReferenceBackend();
        WorkerTeam one = new WorkerTeam(1);
        WorkerTeam two = new WorkerTeam(2)) {
      Tensor x = KernelTests.random(memory, 1, 0, 1, 3, 8, 11, channels);
      for (int i = x.offset(); i < x.offset() + x.size(); i++) {
        int draw = (int) (1e4f * Math.abs(x.floats()[i]));
        x.floats()[i] = VALUES[first + draw % (VALUES.length - first)];
      }
      Shape pooled = window.output(x.shape(), channels);
      Tensor dy = KernelTests.random(memory, 2, 0, 1, 3, pooled.get(1), pooled.get(2), channels);
      Tensor wanted = KernelTests.empty(memory, x.shape());
      reference.pooling().maxBackward(x, dy, window, wanted);
      double[] expected = new double[wanted.size()];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = wanted.floats()[wanted.offset() + i];
      }
      Tensor dx = KernelTests.empty(memory, x.shape());
      new MaxPoolBackward(one, memory).run(x, dy, window, dx);
      KernelTests.assertClose(expected, dx, 1e-6, what);
      float[] alone = dx.toArray();
      new MaxPoolBackward(two, memory).run(x, dy, window, dx);
      assertArrayEquals(alone, dx.toArray(), what);
    }
  }

  @Test
  @Tag("steady-state")
  void steadyStateAllocatesNothing() {
    try (Memory.Scope _ = memory.scope();
        WorkerTeam team = new WorkerTeam(2)) {
      MaxPoolBackward kernels = new MaxPoolBackward(team, memory);
      Tensor x = KernelTests.random(memory, 1, 0, 1, 4, 12, 12, 40);
      Tensor dy = KernelTests.random(memory, 2, 0, 1, 4, 12, 12, 40);
      Tensor halved = KernelTests.random(memory, 2, 0, 1, 4, 6, 6, 40);
      Tensor dx = KernelTests.empty(memory, x.shape());
      KernelTests.assertNoAllocation(
          "gradient of a maximum pooling",
          1,
          () -> {
            kernels.run(x, dy, Window.same(3, 1), dx);
            kernels.run(x, dy, Window.same(5, 1), dx);
            kernels.run(x, halved, Window.same(3, 2), dx);
          });
    }
  }
}
