package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WindowTest {
  @ParameterizedTest
  @CsvSource({
    "3, 1, 1, 1, 32, 32",
    "3, 2, 1, 1, 32, 16",
    "3, 2, 1, 1, 33, 17",
    "7, 2, 3, 1, 224, 112",
    "5, 1, 4, 2, 9, 9",
    "2, 2, 0, 1, 7, 3",
    "3, 1, 0, 1, 3, 1",
    "1, 2, 0, 1, 5, 3",
    "5, 1, 0, 1, 0, 0"
  })
  void outputExtents(int kernel, int stride, int padding, int dilation, int in, int out) {
    assertEquals(out, new Window(kernel, stride, padding, dilation).outputExtent(in));
  }

  @Test
  void sameKeepsTheSizeAtStrideOne() {
    for (int kernel = 1; kernel <= 7; kernel += 2) {
      for (int dilation = 1; dilation <= 3; dilation++) {
        assertEquals(11, Window.same(kernel, 1, dilation).outputExtent(11));
      }
    }
    assertEquals(Shape.of(2, 3, 4, 9), Window.same(3, 2).output(Shape.of(2, 5, 8, 3), 9));
  }

  @Test
  void onlyAnUnpaddedUnitWindowIsPointwise() {
    assertTrue(Window.POINTWISE.isPointwise());
    assertTrue(Window.same(1, 1).isPointwise());
    assertFalse(Window.same(1, 2).isPointwise());
    assertFalse(new Window(1, 1, 1, 1).isPointwise());
    assertFalse(Window.same(3, 1).isPointwise());
    assertEquals(9, Window.same(5, 1, 2).span());
    assertEquals("5x5 s1 p4 d2", Window.same(5, 1, 2).toString());
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThrows(SextantException.class, () -> new Window(0, 1, 0, 1));
    assertThrows(SextantException.class, () -> new Window(1, 0, 0, 1));
    assertThrows(SextantException.class, () -> new Window(1, 1, -1, 1));
    assertThrows(SextantException.class, () -> new Window(1, 1, 0, 0));
    SextantException tooLarge =
        assertThrows(SextantException.class, () -> new Window(5, 1, 0, 1).outputExtent(4));
    assertEquals("window: spans 5 pixels, the padded input has 4", tooLarge.getMessage());
  }
}
