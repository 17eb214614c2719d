package dev.sextant.kernels.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.device.CachingAllocator.Piece;
import dev.sextant.kernels.emulator.EmulatedDriver;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Sizes, slabs, joining and running out, on the emulated driver's memory. */
class CachingAllocatorTest {
  private static final long MIB = 1 << 20;

  private final EmulatedDriver driver = new EmulatedDriver(64 * MIB);
  private final CachingAllocator allocator = new CachingAllocator(driver);

  @Test
  void sizesAndSlabsAreThoseOfPyTorch() {
    assertEquals(512, allocator.allocate(1).bytes());
    assertEquals(1024, allocator.allocate(513).bytes());
    assertEquals(2 * MIB, allocator.counters().reserved());
    allocator.allocate(MIB);
    assertEquals(2 * MIB, allocator.counters().reserved(), "1 MiB fits behind them");
    allocator.allocate(MIB);
    assertEquals(4 * MIB, allocator.counters().reserved(), "another one does not");
    allocator.allocate(MIB + 1);
    assertEquals(24 * MIB, allocator.counters().reserved());
    allocator.allocate(9 * MIB);
    assertEquals(24 * MIB, allocator.counters().reserved(), "20 MiB hold both");
    assertEquals(12 * MIB, allocator.allocate(11 * MIB + 5).bytes());
    assertEquals(36 * MIB, allocator.counters().reserved());
    assertEquals(4, allocator.counters().driverAllocations());
  }

  @Test
  void bestFitIsTakenAndNeighboursAreJoined() {
    Piece a = allocator.allocate(4096);
    Piece b = allocator.allocate(1024);
    Piece c = allocator.allocate(2048);
    Piece d = allocator.allocate(1024);
    allocator.free(a);
    allocator.free(c);
    assertEquals(c.address(), allocator.allocate(2048).address(), "not the larger gap");
    allocator.free(b);
    assertEquals(a.address(), allocator.allocate(5120).address(), "a and b joined");
    allocator.free(d);
    assertThrows(IllegalStateException.class, () -> allocator.free(d));
    assertEquals(1, allocator.counters().driverAllocations());
  }

  @Test
  void aSteadyStateAsksTheDriverForNothing() {
    Rng rng = new Rng(7);
    long asked = 0;
    for (int step = 0; step < 20; step++) {
      List<Piece> held = new ArrayList<>();
      TreeMap<Long, Long> taken = new TreeMap<>();
      for (int i = 0; i < 40; i++) {
        long bytes = i % 8 == 0 ? MIB + 4096L * i : 100L + 700L * i;
        Piece piece = allocator.allocate(bytes);
        assertEquals(0, piece.address() % 512);
        var before = taken.floorEntry(piece.address());
        assertTrue(before == null || before.getKey() + before.getValue() <= piece.address());
        taken.put(piece.address(), piece.bytes());
        held.add(piece);
      }
      while (!held.isEmpty()) {
        allocator.free(held.remove(rng.nextInt(held.size())));
      }
      assertEquals(0, allocator.counters().allocated());
      if (step == 0) {
        asked = allocator.counters().driverAllocations();
      }
    }
    assertEquals(asked, allocator.counters().driverAllocations());
    assertEquals(0, allocator.counters().driverFrees());
    allocator.close();
    assertEquals(0, driver.blocks());
    assertEquals(0, allocator.counters().reserved());
  }

  @Test
  void whereTheDeviceIsFullUnusedSlabsGoBackOnce() {
    Piece small = allocator.allocate(100);
    allocator.free(allocator.allocate(30 * MIB));
    Piece large = allocator.allocate(40 * MIB);
    assertEquals(1, allocator.counters().retries());
    assertEquals(1, allocator.counters().driverFrees());
    assertNotEquals(small.address(), large.address());
    assertEquals(42 * MIB, allocator.counters().reserved());
    assertThrows(OutOfMemoryError.class, () -> allocator.allocate(30 * MIB));
    assertEquals(2, allocator.counters().retries());
  }
}
