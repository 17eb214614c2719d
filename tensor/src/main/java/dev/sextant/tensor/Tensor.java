package dev.sextant.tensor;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A handle to dense, row-major elements in a {@link Memory}. Images are {@code [N, H, W, C]}.
 *
 * <p>There are no strided views: {@link #reshape}, {@link #slice} and {@link #share} make another
 * handle to the same storage, which goes back to the pool when its last handle is closed. How long
 * a closed handle may be asked for anything is said at {@link Memory}. Confined to the thread of
 * its memory.
 */
public final class Tensor implements AutoCloseable {
  private final Memory memory;
  private Storage storage;
  private int offset;
  private Shape shape;
  private DType dtype;
  private boolean closed;

  /** Whether the memory may give this object out again some time after it was closed. */
  boolean reusable;

  Memory.@Nullable Scope scope;
  @Nullable Tensor previousInScope;
  @Nullable Tensor nextInScope;

  Tensor(Memory memory, Storage storage, int offset, Shape shape, DType dtype) {
    this.memory = memory;
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Makes a closed handle that of another block. */
  void reuse(Storage storage, int offset, Shape shape, DType dtype) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.dtype = dtype;
    closed = false;
  }

  /** {@return its extents} */
  public Shape shape() {
    return shape;
  }

  /** {@return its element type} */
  public DType dtype() {
    return dtype;
  }

  /** {@return the number of elements} */
  public int size() {
    return shape.size();
  }

  /** {@return the bytes of its elements} */
  public long bytes() {
    return (long) size() * dtype.bytes();
  }

  /** {@return the memory it lives in} */
  public Memory memory() {
    return memory;
  }

  /** {@return the block behind it, for backends} */
  public Storage storage() {
    checkOpen();
    return storage;
  }

  /** {@return the index of its first element in {@link #floats()} or {@link #ints()}} */
  public int offset() {
    return offset;
  }

  /** {@return whether its elements are an array's, not in the memory of a device} */
  public boolean isOnHeap() {
    return storage instanceof Storage.Heap;
  }

  /**
   * {@return the array behind a float tensor on the heap; elements start at {@link #offset()}}
   *
   * @throws IllegalStateException if the tensor is closed, of another type, or not on the heap
   */
  public float[] floats() {
    checkOpen();
    if (storage instanceof Storage.Heap heap && heap.floats != null) {
      return heap.floats;
    }
    throw new IllegalStateException("not floats on the heap: " + this);
  }

  /**
   * {@return the array behind an integer tensor on the heap; elements start at {@link #offset()}}
   *
   * @throws IllegalStateException if the tensor is closed, of another type, or not on the heap
   */
  public int[] ints() {
    checkOpen();
    if (storage instanceof Storage.Heap heap && heap.ints != null) {
      return heap.ints;
    }
    throw new IllegalStateException("not integers on the heap: " + this);
  }

  /** {@return a copy of the elements of a float tensor on the heap} */
  public float[] toArray() {
    return Arrays.copyOfRange(floats(), offset, offset + size());
  }

  /**
   * Overwrites the elements of a float tensor on the heap.
   *
   * @param values as many as the tensor has elements
   * @return this
   */
  public Tensor set(float... values) {
    if (values.length != size()) {
      throw new SextantException(
          String.format(Locale.ROOT, "set: %d values for %s", values.length, shape));
    }
    System.arraycopy(values, 0, floats(), offset, values.length);
    return this;
  }

  /**
   * Overwrites the elements of an integer tensor on the heap.
   *
   * @param values as many as the tensor has elements
   * @return this
   */
  public Tensor set(int... values) {
    if (values.length != size()) {
      throw new SextantException(
          String.format(Locale.ROOT, "set: %d values for %s", values.length, shape));
    }
    System.arraycopy(values, 0, ints(), offset, values.length);
    return this;
  }

  /**
   * {@return another handle to the same elements under another shape}
   *
   * @param other a shape with as many elements
   * @throws SextantException if the sizes differ
   */
  public Tensor reshape(Shape other) {
    if (other.size() != size()) {
      throw new SextantException(
          String.format(Locale.ROOT, "reshape: %s does not hold as many as %s", other, shape));
    }
    checkOpen();
    return memory.handle(storage, offset, other, dtype);
  }

  /**
   * {@return another handle to entries {@code from} (inclusive) to {@code to} (exclusive) of the
   * outermost dimension}
   *
   * @param from the first entry, from 0
   * @param to the entry behind the last
   * @throws SextantException if they are out of range
   */
  public Tensor slice(int from, int to) {
    if (shape.rank() == 0 || from < 0 || to < from || to > shape.get(0)) {
      throw new SextantException(
          String.format(Locale.ROOT, "slice: [%d, %d) of %s", from, to, shape));
    }
    checkOpen();
    int entry = shape.get(0) == 0 ? 0 : size() / shape.get(0);
    return memory.handle(storage, offset + from * entry, shape.withBatch(to - from), dtype);
  }

  /** {@return another handle to the same elements, closed on its own} */
  public Tensor share() {
    return reshape(shape);
  }

  /**
   * {@return whether other handles to the same storage are open: writing here would be seen there}
   */
  public boolean isShared() {
    return storage.references > 1;
  }

  /** {@return whether {@link #close} was called} */
  public boolean isClosed() {
    return closed;
  }

  void leaveScope() {
    if (scope != null) {
      scope.remove(this);
    }
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("used after close: " + this);
    }
  }

  /** Gives this handle up; the last one returns the storage to the pool. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      leaveScope();
      closed = true;
      memory.release(this, storage, dtype);
    }
  }

  @Override
  public String toString() {
    return dtype + " " + shape + " " + storage.label + (closed ? " (closed)" : "");
  }
}
