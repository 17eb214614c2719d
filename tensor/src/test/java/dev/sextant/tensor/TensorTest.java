package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TensorTest {
  private final Memory memory = new Memory();
  private Memory.Scope scope;

  @BeforeEach
  void openScope() {
    scope = memory.scope();
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, memory.current());
  }

  private Tensor floats(int... extents) {
    return memory.floats(Shape.of(extents), Memory.Category.DATA, "test");
  }

  @Test
  void slicesAndReshapesSeeOneStorage() {
    Tensor whole = floats(3, 2).set(1f, 2, 3, 4, 5, 6);
    Tensor slice = whole.slice(1, 3);
    assertEquals(Shape.of(2, 2), slice.shape());
    assertArrayEquals(new float[] {3, 4, 5, 6}, slice.toArray());
    Tensor row = slice.slice(1, 2).reshape(Shape.of(2));
    assertEquals(whole.offset() + 4, row.offset());
    row.set(7f, 8);
    assertArrayEquals(new float[] {1, 2, 3, 4, 7, 8}, whole.toArray());
    assertSame(whole.floats(), row.floats());
    assertEquals(0, whole.slice(3, 3).size());
    assertEquals(8, row.bytes());
  }

  @Test
  void emptyTensorsAreLegal() {
    Tensor empty = floats(0, 5);
    assertEquals(0, empty.slice(0, 0).size());
    assertEquals(Shape.of(3, 0), empty.reshape(Shape.of(3, 0)).shape());
    assertEquals(0, empty.toArray().length);
    assertEquals(0, memory.current());
  }

  @Test
  void integers() {
    Tensor labels = memory.ints(Shape.of(3), Memory.Category.DATA, "labels").set(4, 5, 6);
    assertEquals(DType.I32, labels.dtype());
    Tensor last = labels.slice(2, 3);
    assertEquals(6, last.ints()[last.offset()]);
    assertThrows(IllegalStateException.class, labels::floats);
    assertThrows(IllegalStateException.class, () -> floats(1).ints());
  }

  @Test
  void refusesWhatDoesNotFit() {
    Tensor tensor = floats(2, 3);
    assertMessage("[2,4]", () -> tensor.reshape(Shape.of(2, 4)));
    assertMessage("[1, 3) of [2,3]", () -> tensor.slice(1, 3));
    assertMessage("[-1, 1)", () -> tensor.slice(-1, 1));
    assertMessage("[2, 1)", () -> tensor.slice(2, 1));
    assertMessage("[0, 0) of []", () -> floats().slice(0, 0));
    assertMessage("2 values for [2,3]", () -> tensor.set(1f, 2f));
  }

  private static void assertMessage(String part, Runnable call) {
    String message = assertThrows(SextantException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void aClosedTensorIsRefused() {
    Tensor tensor = floats(2);
    tensor.close();
    tensor.close();
    assertThrows(IllegalStateException.class, tensor::floats);
    assertThrows(IllegalStateException.class, tensor::storage);
    assertThrows(IllegalStateException.class, tensor::share);
    assertThrows(IllegalStateException.class, () -> tensor.slice(0, 1));
    assertEquals("F32 [2] test (closed)", tensor.toString());
  }
}
