package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void extents() {
    Shape shape = Shape.of(8, 32, 16, 96);
    assertEquals(4, shape.rank());
    assertEquals(8 * 32 * 16 * 96, shape.size());
    assertEquals(32, shape.get(1));
    assertEquals(16, shape.get(-2));
    assertEquals(96, shape.channels());
    assertEquals(8 * 32 * 16, shape.rows());
    assertEquals("[8,32,16,96]", shape.toString());
    assertEquals(Shape.of(8, 32, 16, 3), shape.withChannels(3));
    assertEquals(Shape.of(2, 32, 16, 96), shape.withBatch(2));
    assertEquals(shape, Shape.of(8, 32, 16, 96));
    assertEquals(shape.hashCode(), Shape.of(8, 32, 16, 96).hashCode());
    assertNotEquals(shape, Shape.of(8, 16, 32, 96));
    assertNotEquals(Shape.of(4), Shape.of(4, 1));
  }

  @Test
  void scalarsAndEmptyShapes() {
    assertEquals(0, Shape.of().rank());
    assertEquals(1, Shape.of().size());
    assertEquals("[]", Shape.of().toString());
    assertEquals(0, Shape.of(3, 0, 5).size());
    assertEquals(0, Shape.of(3, 0, 5).rows());
  }

  @Test
  void keepsACopyOfItsExtents() {
    int[] extents = {2, 3};
    Shape shape = Shape.of(extents);
    extents[0] = 9;
    assertEquals(2, shape.get(0));
  }

  @Test
  void refusesWhatNoTensorHolds() {
    SextantException negative = assertThrows(SextantException.class, () -> Shape.of(2, -1));
    assertTrue(negative.getMessage().contains("[2, -1]"));
    SextantException large = assertThrows(SextantException.class, () -> Shape.of(1 << 16, 1 << 15));
    assertTrue(large.getMessage().contains("65536"));
    assertThrows(SextantException.class, () -> Shape.of(1 << 16, 1 << 16, 1 << 16, 1 << 16));
  }
}
