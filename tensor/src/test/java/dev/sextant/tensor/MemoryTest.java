package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Memory.Category;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryTest {
  private final Memory memory = new Memory();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, memory.current(), memory::largestHolders);
    for (Category category : Category.values()) {
      assertEquals(0, memory.current(category));
    }
  }

  private Tensor floats(int size, Category category, String label) {
    return memory.floats(Shape.of(size), category, label);
  }

  @Test
  void scopesCloseWhatWasMadeInThem() {
    Tensor outside = floats(10, Category.DATA, "outside");
    Tensor inside;
    try (Memory.Scope _ = memory.scope()) {
      inside = floats(20, Category.DATA, "inside");
      Tensor early = floats(30, Category.DATA, "early");
      early.close();
      try (Memory.Scope _ = memory.scope()) {
        floats(40, Category.DATA, "inner");
        assertEquals(4 * (10 + 20 + 40), memory.current());
      }
      assertEquals(4 * (10 + 20), memory.current());
    }
    assertTrue(inside.isClosed());
    assertFalse(outside.isClosed());
    assertEquals(4 * 10, memory.current());
    outside.close();
  }

  @Test
  void keepOutlivesEveryScope() {
    Tensor kept;
    try (Memory.Scope _ = memory.scope()) {
      try (Memory.Scope _ = memory.scope()) {
        Tensor tensor = floats(8, Category.WEIGHTS, "kept");
        kept = memory.keep(tensor);
        assertSame(tensor, kept);
      }
    }
    assertFalse(kept.isClosed());
    assertEquals(32, memory.current(Category.WEIGHTS));
    kept.close();
  }

  @Test
  void yieldHandsOverToTheScopeAround() {
    Tensor result;
    try (Memory.Scope _ = memory.scope()) {
      try (Memory.Scope inner = memory.scope()) {
        floats(100, Category.WORKSPACE, "scratch");
        result = inner.yield(floats(8, Category.ACTIVATIONS, "result"));
      }
      assertFalse(result.isClosed());
      assertEquals(32, memory.current());
    }
    assertTrue(result.isClosed());
    Tensor last;
    try (Memory.Scope outermost = memory.scope()) {
      last = outermost.yield(floats(8, Category.ACTIVATIONS, "last"));
    }
    assertFalse(last.isClosed());
    last.close();
  }

  @Test
  void closingAScopeIsIdempotentAndInOrder() {
    Memory.Scope outer = memory.scope();
    Memory.Scope inner = memory.scope();
    assertThrows(IllegalStateException.class, outer::close);
    inner.close();
    inner.close();
    outer.close();
  }

  @Test
  void storageLivesAsLongAsItsLastHandle() {
    Tensor whole = memory.floats(Shape.of(4, 3), Category.DATA, "whole");
    Tensor slice = whole.slice(1, 3);
    Tensor shape = slice.reshape(Shape.of(6));
    Tensor share = whole.share();
    assertEquals(48, memory.current());
    assertTrue(whole.isShared());
    whole.close();
    whole.close();
    slice.close();
    share.close();
    assertEquals(48, memory.current());
    assertFalse(shape.isShared());
    shape.close();
    assertEquals(0, memory.current());
  }

  @Test
  void countsByCategoryAndRemembersPeaks() {
    Tensor weights = floats(100, Category.WEIGHTS, "weights");
    Tensor z = floats(50, Category.ACTIVATIONS, "z");
    floats(30, Category.WORKSPACE, "work").close();
    z.close();
    floats(60, Category.WORKSPACE, "work").close();
    assertEquals(400, memory.current(Category.WEIGHTS));
    assertEquals(400, memory.peak(Category.WEIGHTS));
    assertEquals(200, memory.peak(Category.ACTIVATIONS));
    assertEquals(240, memory.peak(Category.WORKSPACE));
    assertEquals(400 + 320, memory.peak());
    assertEquals(320, memory.transientPeak());
    memory.resetPeaks();
    assertEquals(400, memory.peak());
    assertEquals(0, memory.peak(Category.WORKSPACE));
    assertEquals(0, memory.transientPeak());
    weights.close();
  }

  @Test
  void theCapNamesWhatWasAskedForAndWhoHoldsMost() {
    List<Tensor> tensors = new ArrayList<>();
    String[] labels = {"tiny", "stem", "block1.z1", "block1.z2", "head", "largest"};
    for (int i = 0; i < labels.length; i++) {
      tensors.add(floats(256 * (i + 1), Category.ACTIVATIONS, labels[i]));
    }
    tensors.add(floats(256 * 4, Category.ACTIVATIONS, "stem"));
    long held = memory.current();
    memory.cap(held + 100);
    MemoryLimitException error =
        assertThrows(
            MemoryLimitException.class,
            () -> memory.floats(Shape.of(2, 256), Category.WORKSPACE, "im2col"));
    String message = error.getMessage();
    assertTrue(message.contains("2.0 KiB for im2col [2,256]"), message);
    assertTrue(message.contains("held now: 25.0 KiB"), message);
    // Two blocks of one label count together; of six labels the five largest are named, in order.
    assertTrue(
        message.contains(
            "most by largest 6.0 KiB, stem 6.0 KiB, head 5.0 KiB, block1.z2 4.0 KiB, block1.z1 3.0"
                + " KiB"),
        message);
    assertFalse(message.contains("tiny"), message);
    assertEquals(held, memory.current());
    tensors.add(floats(25, Category.WORKSPACE, "fits to the byte"));
    tensors.forEach(Tensor::close);
  }

  @Test
  void sizeClassesLoseAtMostAnEighth() {
    for (int elements = 513; elements < 100_000; elements++) {
      assertLosesAnEighthAtMost(elements);
    }
    for (int elements = 100_000; elements > 0; elements += elements / 7) {
      assertLosesAnEighthAtMost(elements);
    }
    for (int elements = 0; elements <= 512; elements++) {
      int size = Memory.sizeClass(elements);
      assertTrue(size >= elements && size < Math.max(elements, 1) + 64, elements + " in " + size);
    }
    assertTrue(Memory.sizeClass(Integer.MAX_VALUE - 65) >= Integer.MAX_VALUE - 65);
  }

  private static void assertLosesAnEighthAtMost(int elements) {
    int size = Memory.sizeClass(elements);
    assertTrue(size >= elements, elements + " in " + size);
    assertTrue(size - elements <= elements / 8, elements + " in " + size);
    assertEquals(size, Memory.sizeClass(size), "a class is its own class");
  }

  @Test
  void aSteadyStateReservesNothingNew() {
    step();
    long reserved = memory.reserved();
    for (int i = 0; i < 10; i++) {
      step();
    }
    assertEquals(reserved, memory.reserved());
    memory.trim();
    assertEquals(0, memory.reserved());
  }

  private void step() {
    try (Memory.Scope _ = memory.scope()) {
      for (int size = 1; size < 100_000; size *= 3) {
        floats(size, Category.ACTIVATIONS, "z");
        memory.ints(Shape.of(size), Category.DATA, "labels");
      }
    }
  }

  @Test
  void aBlockServesAnyShapeOfItsClass() {
    Tensor first = floats(1000, Category.DATA, "first");
    float[] block = first.floats();
    first.close();
    Tensor second = memory.floats(Shape.of(10, 101), Category.WEIGHTS, "second");
    assertSame(block, second.floats());
    assertEquals(4040, memory.current(Category.WEIGHTS));
    second.close();
  }

  @Test
  void zerosAreZerosOnAUsedBlock() {
    try (Tensor used = floats(70, Category.DATA, "used")) {
      Arrays.fill(used.floats(), 3f);
    }
    try (Tensor zeros = memory.zeros(Shape.of(7, 10), Category.DATA, "zeros")) {
      for (float value : zeros.toArray()) {
        assertEquals(0f, value);
      }
    }
  }

  /** One retry after the pool was given back; then an error that says what to raise. */
  @Test
  void whenTheMachineRefusesThePoolIsTrimmedOnce() {
    int[] refusals = {0};
    Memory[] small = new Memory[1];
    Allocator allocator =
        new Allocator() {
          @Override
          public Storage allocate(DType dtype, int elements) {
            if (small[0].reserved() + 4L * elements > 8192) {
              refusals[0]++;
              throw new OutOfMemoryError("test");
            }
            return new Storage.Heap(dtype, elements);
          }

          @Override
          public void free(Storage storage) {}
        };
    small[0] = new Memory(allocator);
    small[0].floats(Shape.of(1024), Category.DATA, "first").close();
    try (Tensor second = small[0].floats(Shape.of(2048), Category.DATA, "second")) {
      assertEquals(1, refusals[0]);
      assertEquals(8192, small[0].reserved());
      MemoryLimitException error =
          assertThrows(
              MemoryLimitException.class,
              () -> small[0].floats(Shape.of(64), Category.DATA, "third"));
      assertTrue(error.getMessage().contains("third [64]"), error.getMessage());
      assertTrue(error.getMessage().contains("second 8.0 KiB"), error.getMessage());
      assertEquals(second.bytes(), small[0].current());
    }
    assertEquals(0, small[0].current());
  }

  @Test
  void bytesForAReader() {
    assertEquals("0 B", Memory.human(0));
    assertEquals("1023 B", Memory.human(1023));
    assertEquals("1.5 KiB", Memory.human(1536));
    assertEquals("12.0 MiB", Memory.human(12L << 20));
    assertEquals("3.0 GiB", Memory.human(3L << 30));
  }

  @Test
  void aClosedHandleStaysClosedUntilTheOutermostScopeEnds() {
    Tensor first;
    try (Memory.Scope _ = memory.scope()) {
      try (Memory.Scope _ = memory.scope()) {
        first = memory.floats(Shape.of(3), Category.ACTIVATIONS, "first");
      }
      Tensor second = memory.floats(Shape.of(3), Category.ACTIVATIONS, "second");
      assertNotSame(first, second);
      assertThrows(IllegalStateException.class, first::floats);
    }
    assertThrows(IllegalStateException.class, first::floats);
    try (Memory.Scope _ = memory.scope()) {
      Tensor a = memory.floats(Shape.of(5), Category.ACTIVATIONS, "a");
      Tensor b = memory.floats(Shape.of(5), Category.ACTIVATIONS, "b");
      assertTrue(a == first || b == first, "the handle is used again");
      assertEquals(Shape.of(5), first.shape());
    }
    assertEquals(0, memory.current());
  }

  @Test
  void handlesThatAreKeptOrMadeOutsideScopesAreNotUsedAgainWhileTheyAreOpen() {
    Tensor outside = memory.floats(Shape.of(3), Category.WEIGHTS, "outside");
    Tensor kept;
    try (Memory.Scope _ = memory.scope()) {
      kept = memory.keep(memory.floats(Shape.of(3), Category.GRADIENTS, "kept"));
    }
    outside.close();
    try (Memory.Scope _ = memory.scope()) {
      Tensor other = memory.floats(Shape.of(3), Category.ACTIVATIONS, "other");
      assertNotSame(outside, other);
      assertNotSame(kept, other);
      assertEquals(Shape.of(3), kept.shape());
    }
    assertThrows(IllegalStateException.class, outside::floats);
    kept.close();
  }

  @Test
  void workspacesMadeOutsideScopesUseTheirHandlesAgain() {
    Tensor first = memory.floats(Shape.of(3), Category.WORKSPACE, "first");
    Tensor second = memory.floats(Shape.of(3), Category.WORKSPACE, "second");
    assertNotSame(first, second);
    first.close();
    assertThrows(IllegalStateException.class, first::floats);
    try (Tensor data = memory.floats(Shape.of(3), Category.DATA, "data");
        Tensor third = memory.floats(Shape.of(1000), Category.WORKSPACE, "third")) {
      assertNotSame(first, data);
      assertSame(first, third);
      assertEquals(1000, third.size());
    }
    second.close();
  }

  @Test
  void aScopeMayBeOpenedAgain() {
    Memory.Scope scope = memory.scope();
    assertThrows(IllegalStateException.class, scope::open);
    scope.close();
    try (Memory.Scope again = scope.open()) {
      memory.floats(Shape.of(3), Category.ACTIVATIONS, "again");
      assertSame(scope, again);
    }
    assertEquals(0, memory.current());
  }

  @Test
  void sizeClassesAreNumberedInOrder() {
    int before = -1;
    for (int size = 1; size > 0; size = Memory.sizeClass(size) + 1) {
      assertEquals(before + 1, Memory.sizeClassIndex(Memory.sizeClass(size)));
      before++;
      if (Memory.sizeClass(size) >= Integer.MAX_VALUE - 8) {
        break;
      }
    }
    assertTrue(before < 8 * 23, "last class " + before);
  }
}
