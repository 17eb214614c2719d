package dev.sextant.kernels.emulator;

import java.nio.IntBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The memory of the emulated device: blocks at addresses with gaps between. */
final class DeviceMemory {
  private static final long FIRST = 0x7f00_0000_0000L;
  private static final long ALIGNMENT = 512;

  /** One block. */
  static final class Block {
    final long address;
    final IntBuffer words;
    final AccessLog log;

    Block(long address, IntBuffer words) {
      this.address = address;
      this.words = words;
      this.log = new AccessLog(words.capacity(), false);
    }

    /** Where it ends. */
    long end() {
      return address + 4L * words.capacity();
    }
  }

  private final TreeMap<Long, Block> blocks = new TreeMap<>();
  private final long capacity;
  private long used;
  private int launches;
  private long next = FIRST;

  /** A memory of that many bytes. */
  DeviceMemory(long capacity) {
    this.capacity = capacity;
  }

  long allocate(long bytes) {
    if (bytes > capacity - used) {
      throw new OutOfMemoryError(
          "emulated device: %d of %d bytes left".formatted(capacity - used, capacity));
    }
    used += bytes;
    long address = next;
    next += (bytes + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    IntBuffer words = IntBuffer.allocate(Math.toIntExact((bytes + 3) / 4));
    // What memory holds before it is written: not a number, and no sensible integer.
    for (int i = 0; i < words.capacity(); i++) {
      words.put(i, 0x7fc0_dead);
    }
    blocks.put(address, new Block(address, words));
    return address;
  }

  /** Takes memory that something else allocated, until it is freed. */
  void adopt(long address, IntBuffer words) {
    used += 4L * words.capacity();
    blocks.put(address, new Block(address, words));
  }

  void free(long address) {
    Block block = blocks.remove(address);
    if (block == null) {
      throw new EmulationException("freed what was not allocated: %x".formatted(address));
    }
    used -= 4L * block.words.capacity();
  }

  /** The block that holds a range of bytes; null if none does. */
  @Nullable Block find(long address, long bytes) {
    Map.Entry<Long, Block> entry = blocks.floorEntry(address);
    if (entry == null || address + bytes > entry.getValue().end()) {
      return null;
    }
    return entry.getValue();
  }

  /** The block of a transfer. */
  Block of(long address, long bytes) {
    Block block = find(address, bytes);
    if (block == null || address % 4 != 0) {
      throw new EmulationException(
          "transfer of %d bytes at %x, outside any block".formatted(bytes, address));
    }
    return block;
  }

  /** The number of the next launch that uses it. */
  int launch() {
    if (++launches == AccessLog.MOST_LAUNCHES) {
      blocks.values().forEach(block -> block.log.clear());
      launches = 1;
    }
    return launches;
  }

  int blocks() {
    return blocks.size();
  }

  /** All there are. */
  Collection<Block> all() {
    return blocks.values();
  }
}
