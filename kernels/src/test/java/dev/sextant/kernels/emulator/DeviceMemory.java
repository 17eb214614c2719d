package dev.sextant.kernels.emulator;

import java.util.Arrays;
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
    final int[] words;
    final AccessLog log;

    Block(long address, int words) {
      this.address = address;
      this.words = new int[words];
      this.log = new AccessLog(words, false);
      // What memory holds before it is written: not a number, and no sensible integer.
      Arrays.fill(this.words, 0x7fc0_dead);
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
    blocks.put(address, new Block(address, Math.toIntExact((bytes + 3) / 4)));
    return address;
  }

  void free(long address) {
    Block block = blocks.remove(address);
    if (block == null) {
      throw new EmulationException("freed what was not allocated: %x".formatted(address));
    }
    used -= 4L * block.words.length;
  }

  /** The block that holds a range of bytes; null if none does. */
  @Nullable Block find(long address, long bytes) {
    Map.Entry<Long, Block> entry = blocks.floorEntry(address);
    if (entry == null || address + bytes > entry.getKey() + 4L * entry.getValue().words.length) {
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
}
