package dev.sextant.tensor;

/** Blocks on the JVM heap, which the garbage collector takes back. */
final class HeapAllocator implements Allocator {
  @Override
  public Storage allocate(DType dtype, int elements) {
    return new Storage.Heap(dtype, elements);
  }

  @Override
  public void free(Storage storage) {}
}
