package dev.sextant.kernels.emulator;

import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What one launch may touch of global memory: the extents given with its pointers, or all that is
 * allocated. Finds the word behind an address, and what is wrong with an access.
 */
final class GlobalAccess {
  /** The bytes behind one pointer. */
  private record Region(long start, long end, DeviceMemory.Block block) {}

  private final Region[] regions;
  private Region last;

  private GlobalAccess(Region[] regions) {
    this.regions = regions;
    this.last =
        regions.length == 0
            ? new Region(0, 0, new DeviceMemory.Block(0, IntBuffer.allocate(0)))
            : regions[0];
  }

  static GlobalAccess of(DeviceMemory memory, long[] pointers, long[] extents) {
    Region[] regions = new Region[pointers.length];
    for (int i = 0; i < regions.length; i++) {
      DeviceMemory.Block block = memory.find(pointers[i], extents[i]);
      if (block == null) {
        throw new EmulationException(
            "parameter: %d bytes at %x lie outside any block".formatted(extents[i], pointers[i]));
      }
      regions[i] = new Region(pointers[i], pointers[i] + extents[i], block);
    }
    return new GlobalAccess(regions);
  }

  /** All that is allocated, which is what a GPU checks. */
  static GlobalAccess all(DeviceMemory memory) {
    return new GlobalAccess(
        memory.all().stream()
            .map(block -> new Region(block.address, block.end(), block))
            .toArray(Region[]::new));
  }

  /** Finds the region of an access; says what is wrong with it, or null. */
  @Nullable String find(long address, int bytes) {
    if (address % bytes != 0) {
      return "address %x is not aligned to %d bytes".formatted(address, bytes);
    }
    if (address >= last.start && address + bytes <= last.end) {
      return null;
    }
    for (Region region : regions) {
      if (address >= region.start && address + bytes <= region.end) {
        last = region;
        return null;
      }
    }
    return "address %x is outside what the launch was given%s".formatted(address, nearest(address));
  }

  private String nearest(long address) {
    for (int i = 0; i < regions.length; i++) {
      if (Math.abs(address - regions[i].end) < 1024) {
        return " (%d bytes past the end of pointer %d)".formatted(address - regions[i].end, i);
      }
      if (Math.abs(address - regions[i].start) < 1024) {
        return " (%d bytes before pointer %d)".formatted(regions[i].start - address, i);
      }
    }
    return "";
  }

  /** The words of the region found last. */
  IntBuffer words() {
    return last.block.words;
  }

  /** The log of the region found last. */
  AccessLog log() {
    return last.block.log;
  }

  /** The word of an address in the region found last. */
  int word(long address) {
    return (int) ((address - last.block.address) >>> 2);
  }
}
