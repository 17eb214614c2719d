package dev.sextant.tensor;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The pool that tensors come from, and the account of who holds how much.
 *
 * <p>A tensor belongs to the innermost {@link Scope} open when it was made and goes back to the
 * pool when it is closed or when that scope closes, whichever is first; {@link #keep} takes it out
 * of its scope. A steady state takes nothing from the JVM heap: blocks are pooled by size class
 * (eight classes to each power of two, so at most an eighth is lost), and handles are used again.
 *
 * <p>A handle made inside a scope, once closed, stays closed at least until the outermost scope
 * closes, and reading it throws; after that it may be given out as another tensor's. So hold on to
 * none beyond the outermost scope, not even to close it, but those that {@link #keep} took out, and
 * to those until they are closed. Handles made outside all scopes are never used again, but for
 * those of {@link Category#WORKSPACE}: a kernel closes its own once, before it returns, and may get
 * the same ones in its next call.
 *
 * <pre>{@code
 * try (Memory.Scope scope = memory.scope()) {
 *   Tensor work = memory.floats(Shape.of(64, 96), Category.WORKSPACE, "im2col");
 *   ...
 * } // work is back in the pool
 * }</pre>
 *
 * <p>Not thread-safe: one memory serves one thread, as does the backend that owns it.
 */
public final class Memory {
  /** What a block is for; counted and capped apart. */
  public enum Category {
    /** Parameters and the running statistics of batch norm. */
    WEIGHTS,
    /** Gradients of parameters. */
    GRADIENTS,
    /** Values a step keeps for its backward pass, and the gradients flowing through them. */
    ACTIVATIONS,
    /** Scratch of a kernel. */
    WORKSPACE,
    /** State of optimizers. */
    OPTIMIZER,
    /** Batches of images and labels. */
    DATA
  }

  /** Of up to 2^31 elements: see {@link #sizeClass}. */
  private static final int SIZE_CLASSES = 8 * 23;

  private final Allocator allocator;
  private final @Nullable Storage[][] pool = new Storage[DType.values().length][SIZE_CLASSES];
  private final Holdings holdings = new Holdings();
  private long reserved;
  private long cap = Long.MAX_VALUE;
  private @Nullable Scope innermost;

  /** Closed handles that the outermost scope's end makes spare. */
  private @Nullable Tensor retired;

  private @Nullable Tensor lastRetired;

  /** Closed handles that may be given out. */
  private @Nullable Tensor spare;

  /** A pool on the JVM heap without a cap. */
  public Memory() {
    this(new HeapAllocator());
  }

  /**
   * A pool over another allocator, such as device memory.
   *
   * @param allocator where blocks come from and go back to
   */
  public Memory(Allocator allocator) {
    this.allocator = allocator;
  }

  /**
   * Refuses, from now on, to hold more than this many bytes in live tensors.
   *
   * @param bytes at least 0
   */
  public void cap(long bytes) {
    cap = bytes;
  }

  /**
   * {@return a float tensor whose content is undefined}
   *
   * @param shape its extents
   * @param category what its bytes are counted as
   * @param label who holds it, for the list shown when memory runs out
   */
  public Tensor floats(Shape shape, Category category, String label) {
    return allocate(shape, DType.F32, category, label);
  }

  /**
   * {@return a float tensor of zeros}
   *
   * @param shape its extents
   * @param category what its bytes are counted as
   * @param label who holds it, for the list shown when memory runs out
   */
  public Tensor zeros(Shape shape, Category category, String label) {
    Tensor tensor = floats(shape, category, label);
    allocator.zero(tensor);
    return tensor;
  }

  /**
   * {@return an integer tensor whose content is undefined}
   *
   * @param shape its extents
   * @param category what its bytes are counted as
   * @param label who holds it, for the list shown when memory runs out
   */
  public Tensor ints(Shape shape, Category category, String label) {
    return allocate(shape, DType.I32, category, label);
  }

  /**
   * {@return a tensor whose content is undefined}
   *
   * @param shape its extents
   * @param dtype the element type
   * @param category what its bytes are counted as
   * @param label who holds it, for the list shown when memory runs out
   * @throws MemoryLimitException if the cap or the machine does not allow it
   */
  public Tensor allocate(Shape shape, DType dtype, Category category, String label) {
    long bytes = (long) shape.size() * dtype.bytes();
    if (holdings.current() + bytes > cap) {
      throw new MemoryLimitException(
          String.format(
              Locale.ROOT,
              "memory: %s for %s %s passes the cap of %s; %s",
              human(bytes),
              label,
              shape,
              human(cap),
              largestHolders()));
    }
    Storage storage = take(dtype, label, shape);
    storage.category = category;
    storage.label = label;
    storage.requestedBytes = bytes;
    holdings.add(storage);
    return handle(storage, storage.origin, shape, dtype);
  }

  private Storage take(DType dtype, String label, Shape shape) {
    int elements = sizeClass(shape.size());
    int sizeClass = sizeClassIndex(elements);
    @Nullable Storage[] free = pool[dtype.ordinal()];
    Storage pooled = free[sizeClass];
    if (pooled != null) {
      free[sizeClass] = pooled.next;
      return pooled;
    }
    try {
      return made(allocator.allocate(dtype, elements), sizeClass);
    } catch (OutOfMemoryError first) {
      trim();
      try {
        return made(allocator.allocate(dtype, elements), sizeClass);
      } catch (OutOfMemoryError second) {
        throw new MemoryLimitException(
            String.format(
                Locale.ROOT,
                "memory: the machine gave no %s for %s %s (%s); %s",
                human((long) elements * dtype.bytes()),
                label,
                shape,
                allocator.limit(),
                largestHolders()));
      }
    }
  }

  private Storage made(Storage storage, int sizeClass) {
    storage.sizeClass = sizeClass;
    reserved += storage.bytes;
    return storage;
  }

  /** Eight classes to each power of two, at least 64 elements: at most an eighth is lost. */
  static int sizeClass(int elements) {
    if (elements <= 64) {
      return 64;
    }
    int step = Math.max(64, Integer.highestOneBit(elements - 1) >>> 3);
    return (int) Math.min(Integer.MAX_VALUE - 8, ((long) elements + step - 1) / step * step);
  }

  /** The number of a size class, from 0. */
  static int sizeClassIndex(int elements) {
    if (elements <= 512) {
      return elements / 64 - 1;
    }
    int log = 31 - Integer.numberOfLeadingZeros(elements - 1);
    return 8 * (log - 8) + ((elements - 1) >>> (log - 3)) - 8;
  }

  /** A handle to a block, of the innermost scope. */
  Tensor handle(Storage storage, int offset, Shape shape, DType dtype) {
    boolean reusable = innermost != null || storage.category == Category.WORKSPACE;
    Tensor tensor = spare;
    if (tensor == null || !reusable) {
      tensor = new Tensor(this, storage, offset, shape, dtype);
    } else {
      spare = tensor.nextInScope;
      tensor.nextInScope = null;
      tensor.reuse(storage, offset, shape, dtype);
    }
    storage.references++;
    tensor.reusable = reusable;
    if (innermost != null) {
      innermost.add(tensor);
    }
    return tensor;
  }

  /** Takes a closed handle back, and its block if no other handle holds that. */
  void release(Tensor handle, Storage storage, DType dtype) {
    if (handle.reusable && innermost == null && storage.category == Category.WORKSPACE) {
      handle.nextInScope = spare;
      spare = handle;
    } else if (handle.reusable) {
      handle.nextInScope = retired;
      if (retired == null) {
        lastRetired = handle;
      }
      retired = handle;
    }
    if (--storage.references > 0) {
      return;
    }
    holdings.remove(storage);
    @Nullable Storage[] free = pool[dtype.ordinal()];
    storage.next = free[storage.sizeClass];
    free[storage.sizeClass] = storage;
  }

  private void endOutermost() {
    if (lastRetired != null) {
      lastRetired.nextInScope = spare;
      spare = retired;
      retired = null;
      lastRetired = null;
    }
  }

  /** Gives every pooled block that no tensor holds back to the allocator. */
  public void trim() {
    for (@Nullable Storage[] free : pool) {
      for (int i = 0; i < free.length; i++) {
        for (Storage storage = free[i]; storage != null; storage = storage.next) {
          reserved -= storage.bytes;
          allocator.free(storage);
        }
        free[i] = null;
      }
    }
  }

  /**
   * Opens a scope; tensors made until it closes belong to it. Close it on the same thread.
   *
   * @return the innermost scope from now on
   */
  public Scope scope() {
    return new Scope().open();
  }

  /**
   * Takes a tensor out of its scope: it lives until it is closed.
   *
   * @param tensor an open tensor of this memory
   * @return the same tensor
   */
  public Tensor keep(Tensor tensor) {
    tensor.leaveScope();
    return tensor;
  }

  /**
   * {@return the bytes held now by live tensors of a category}
   *
   * @param category what its bytes are counted as
   */
  public long current(Category category) {
    return holdings.current(category);
  }

  /**
   * {@return the most bytes held at once by a category since {@link #resetPeaks}}
   *
   * @param category what its bytes are counted as
   */
  public long peak(Category category) {
    return holdings.peak(category);
  }

  /** {@return the bytes held now by live tensors} */
  public long current() {
    return holdings.current();
  }

  /** {@return the most bytes held at once since {@link #resetPeaks}} */
  public long peak() {
    return holdings.peak();
  }

  /**
   * {@return the most bytes of activations and workspace together held at once since resetPeaks}
   */
  public long transientPeak() {
    return holdings.transientPeak();
  }

  /** {@return the bytes taken from the allocator: live, pooled and lost to rounding} */
  public long reserved() {
    return reserved;
  }

  /** Starts the peaks anew from what is held now. */
  public void resetPeaks() {
    holdings.resetPeaks();
  }

  /**
   * {@return the five largest holders among live blocks, as in {@code held: mbconv.z1 12.0 MiB,
   * ...}}
   */
  public String largestHolders() {
    return holdings.largest();
  }

  /**
   * {@return a number of bytes for a reader, as in {@code 1.5 MiB}}
   *
   * @param bytes at least 0
   */
  public static String human(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    String[] units = {"KiB", "MiB", "GiB", "TiB"};
    double value = bytes / 1024.0;
    int unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
  }

  /** A block of code's tensors; see {@link Memory#scope()}. */
  public final class Scope implements AutoCloseable {
    private @Nullable Scope outer;
    private @Nullable Tensor first;
    private boolean closed = true;

    private Scope() {}

    /**
     * Opens it again after it was closed, inside the scope that is innermost now.
     *
     * @return this
     * @throws IllegalStateException if it is open
     */
    public Scope open() {
      if (!closed) {
        throw new IllegalStateException("the scope is open");
      }
      closed = false;
      outer = innermost;
      innermost = this;
      return this;
    }

    private void add(Tensor tensor) {
      tensor.scope = this;
      tensor.nextInScope = first;
      if (first != null) {
        first.previousInScope = tensor;
      }
      first = tensor;
    }

    void remove(Tensor tensor) {
      if (tensor.previousInScope != null) {
        tensor.previousInScope.nextInScope = tensor.nextInScope;
      } else {
        first = tensor.nextInScope;
      }
      if (tensor.nextInScope != null) {
        tensor.nextInScope.previousInScope = tensor.previousInScope;
      }
      tensor.previousInScope = null;
      tensor.nextInScope = null;
      tensor.scope = null;
    }

    /**
     * Moves a tensor of this scope to the scope around it: how a block returns its result.
     *
     * @param tensor an open tensor of this scope
     * @return the same tensor
     */
    public Tensor yield(Tensor tensor) {
      tensor.checkOpen();
      tensor.leaveScope();
      if (outer != null) {
        outer.add(tensor);
      }
      return tensor;
    }

    /** Closes every tensor still in the scope. Idempotent; inner scopes must be closed first. */
    @Override
    public void close() {
      if (closed) {
        return;
      }
      if (innermost != this) {
        throw new IllegalStateException("scopes must be closed innermost first");
      }
      closed = true;
      innermost = outer;
      outer = null;
      while (first != null) {
        first.close();
      }
      if (innermost == null) {
        endOutermost();
      }
    }
  }
}
