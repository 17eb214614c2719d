package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class NestingTest {
  private final Nesting nesting = new Nesting(new int[] {3, 7, 9}, new int[] {4, 6, 12});

  @Test
  void aTapBelongsToTheSmallestKernelThatHasIt() {
    int[] taps = new int[3];
    for (int row = 0; row < 9; row++) {
      for (int column = 0; column < 9; column++) {
        taps[nesting.shell(row, column)]++;
      }
    }
    assertEquals(9, taps[0]);
    assertEquals(49 - 9, taps[1]);
    assertEquals(81 - 49, taps[2]);
    assertEquals(0, nesting.shell(4, 4));
    assertEquals(0, nesting.shell(3, 5));
    assertEquals(1, nesting.shell(4, 2));
    assertEquals(2, nesting.shell(0, 4));
  }

  @Test
  void sizesAddUpToTheWholeKernel() {
    int shells = nesting.shellSize(0) + nesting.shellSize(1) + nesting.shellSize(2);
    int groups = nesting.groupSize(0) + nesting.groupSize(1) + nesting.groupSize(2);
    assertEquals(nesting.shape().size(), shells);
    assertEquals(nesting.shape().size(), groups);
    assertEquals(5, nesting.gates());
    assertEquals(2, nesting.layerGate());
  }

  @Test
  void wrongNumbersAreNamed() {
    assertEquals("nesting: kernel size 4 is even", refused(new int[] {3, 4}, new int[] {1}));
    assertEquals(
        "nesting: each kernel size must be larger than the one before (they are [5, 3])",
        refused(new int[] {5, 3}, new int[] {1}));
    assertEquals(
        "nesting: each number of channels must be larger than the one before (they are [8, 8])",
        refused(new int[] {3}, new int[] {8, 8}));
    assertEquals("nesting: no kernel size", refused(new int[0], new int[] {8}));
  }

  private static String refused(int[] kernels, int[] channels) {
    return assertThrows(SextantException.class, () -> new Nesting(kernels, channels)).getMessage();
  }
}
