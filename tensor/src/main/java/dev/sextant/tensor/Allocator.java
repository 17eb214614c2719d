package dev.sextant.tensor;

import java.util.Arrays;
import java.util.Locale;

/**
 * Makes the blocks of a {@link Memory}: on the heap by default, in device memory for a device
 * backend. Called by the thread of its memory.
 */
public interface Allocator {
  /**
   * {@return a block of at least {@code elements} elements}
   *
   * @param dtype the element type
   * @param elements the least number of elements that the block must hold
   * @throws OutOfMemoryError if there is none
   */
  Storage allocate(DType dtype, int elements);

  /**
   * Gives a block back to where it came from; called when the pool is trimmed.
   *
   * @param storage a block of this allocator that no tensor uses
   */
  void free(Storage storage);

  /** {@return how much there is, and how to have more of it or need less, for an error's reader} */
  default String limit() {
    return String.format(
        Locale.ROOT,
        "JVM heap %s: raise it with -Xmx",
        Memory.human(Runtime.getRuntime().maxMemory()));
  }

  /**
   * Fills a float tensor in one of its blocks with zeros.
   *
   * @param tensor an open float tensor; overwritten
   */
  default void zero(Tensor tensor) {
    Arrays.fill(tensor.floats(), tensor.offset(), tensor.offset() + tensor.size(), 0f);
  }
}
