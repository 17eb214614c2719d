package dev.sextant.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A block of memory that one or more {@link Tensor} handles share. Backends subclass it to hold
 * their own kind of address; {@link Heap} holds a Java array. Confined to the thread of its {@link
 * Memory}.
 */
public abstract class Storage {
  final long bytes;
  int references;
  Memory.Category category = Memory.Category.WORKSPACE;
  String label = "";
  long requestedBytes;
  int sizeClass;

  /** Index of the first element of a tensor that has the block for itself. */
  int origin;

  /** Neighbours among the live blocks, or the next of the free blocks of its size. */
  @Nullable Storage previous;

  @Nullable Storage next;

  /**
   * A block of that many bytes, counted by the pool as reserved.
   *
   * @param bytes at least 0
   */
  protected Storage(long bytes) {
    this.bytes = bytes;
  }

  /** A Java array: {@code float[]} or {@code int[]} by type. */
  public static final class Heap extends Storage {
    final float @Nullable [] floats;
    final int @Nullable [] ints;

    /**
     * Elements behind the last, one vector of 512 bits: masked loads and stores at the end of a
     * block then stay inside the array. Past it the Vector API takes another way, which allocates.
     */
    private static final int MARGIN = 16;

    /**
     * Elements before the first. An array's elements begin 16 bytes after the object: where the JVM
     * aligns objects to cache lines ({@code -XX:ObjectAlignmentInBytes=64}) tensors then begin with
     * a line, and a vector of 512 bits is one access to the cache instead of two.
     */
    private static final int ORIGIN = 12;

    Heap(DType dtype, int elements) {
      super((long) elements * dtype.bytes());
      int length = (int) Math.min(Integer.MAX_VALUE - 8, (long) elements + ORIGIN + MARGIN);
      floats = dtype == DType.F32 ? new float[length] : null;
      ints = dtype == DType.I32 ? new int[elements] : null;
      origin = dtype == DType.F32 ? Math.min(ORIGIN, length - elements) : 0;
    }
  }
}
