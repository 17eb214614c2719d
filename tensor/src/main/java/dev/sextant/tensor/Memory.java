package dev.sextant.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The pool that tensors come from, and the account of who holds how much.
 *
 * <p>A tensor belongs to the innermost {@link Scope} open when it was made and goes back to the
 * pool when it is closed or when that scope closes, whichever is first; {@link #keep} takes it out
 * of its scope. A steady state takes nothing from the JVM heap: blocks are pooled by size class
 * (eight classes to each power of two, so at most an eighth is lost).
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

  /** Makes blocks; the heap by default, device memory in a device backend. */
  public interface Allocator {
    /**
     * A block of at least {@code elements} elements.
     *
     * @throws OutOfMemoryError if there is none
     */
    Storage allocate(DType dtype, int elements);

    /** Gives a block back to where it came from; called when the pool is trimmed. */
    void free(Storage storage);
  }

  private static final Allocator HEAP =
      new Allocator() {
        @Override
        public Storage allocate(DType dtype, int elements) {
          return new Storage.Heap(dtype, elements);
        }

        @Override
        public void free(Storage storage) {}
      };

  private final Allocator allocator;
  private final Map<DType, TreeMap<Integer, ArrayDeque<Storage>>> pool = new EnumMap<>(DType.class);
  private final long[] current = new long[Category.values().length];
  private final long[] peak = new long[Category.values().length];
  private long totalCurrent;
  private long totalPeak;
  private long transientPeak;
  private long reserved;
  private long cap = Long.MAX_VALUE;
  private @Nullable Storage live;
  private @Nullable Scope innermost;

  /** A pool on the JVM heap without a cap. */
  public Memory() {
    this(HEAP);
  }

  /** A pool over another allocator, such as device memory. */
  public Memory(Allocator allocator) {
    this.allocator = allocator;
    for (DType dtype : DType.values()) {
      pool.put(dtype, new TreeMap<>());
    }
  }

  /**
   * Refuses, from now on, to hold more than this many bytes in live tensors.
   *
   * @param bytes at least 0
   */
  public void cap(long bytes) {
    cap = bytes;
  }

  /** A float tensor whose content is undefined. */
  public Tensor floats(Shape shape, Category category, String label) {
    return allocate(shape, DType.F32, category, label);
  }

  /** A float tensor of zeros. */
  public Tensor zeros(Shape shape, Category category, String label) {
    Tensor tensor = floats(shape, category, label);
    java.util.Arrays.fill(tensor.floats(), tensor.offset(), tensor.offset() + tensor.size(), 0f);
    return tensor;
  }

  /** An integer tensor whose content is undefined. */
  public Tensor ints(Shape shape, Category category, String label) {
    return allocate(shape, DType.I32, category, label);
  }

  /**
   * A tensor whose content is undefined.
   *
   * @param label who holds it, for the list shown when memory runs out
   * @throws MemoryLimitException if the cap or the machine does not allow it
   */
  public Tensor allocate(Shape shape, DType dtype, Category category, String label) {
    long bytes = (long) shape.size() * dtype.bytes();
    if (totalCurrent + bytes > cap) {
      throw new MemoryLimitException(
          "memory: %s for %s %s passes the cap of %s; %s"
              .formatted(human(bytes), label, shape, human(cap), largestHolders()));
    }
    Storage storage = take(dtype, sizeClass(shape.size()), label, shape);
    storage.category = category;
    storage.label = label;
    storage.requestedBytes = bytes;
    count(category, bytes);
    link(storage);
    return new Tensor(this, storage, 0, shape, dtype);
  }

  private Storage take(DType dtype, int elements, String label, Shape shape) {
    ArrayDeque<Storage> free = bySize(dtype).get(elements);
    Storage pooled = free == null ? null : free.pollLast();
    if (pooled != null) {
      return pooled;
    }
    try {
      return made(allocator.allocate(dtype, elements));
    } catch (OutOfMemoryError first) {
      trim();
      try {
        return made(allocator.allocate(dtype, elements));
      } catch (OutOfMemoryError second) {
        throw new MemoryLimitException(
            "memory: the machine gave no %s for %s %s (JVM heap %s: raise it with -Xmx); %s"
                .formatted(
                    human((long) elements * dtype.bytes()),
                    label,
                    shape,
                    human(Runtime.getRuntime().maxMemory()),
                    largestHolders()));
      }
    }
  }

  private Storage made(Storage storage) {
    reserved += storage.bytes;
    return storage;
  }

  private TreeMap<Integer, ArrayDeque<Storage>> bySize(DType dtype) {
    TreeMap<Integer, ArrayDeque<Storage>> classes = pool.get(dtype);
    if (classes == null) {
      throw new IllegalStateException("no pool for " + dtype);
    }
    return classes;
  }

  /** Eight classes to each power of two, at least 64 elements: at most an eighth is lost. */
  static int sizeClass(int elements) {
    if (elements <= 64) {
      return 64;
    }
    int step = Math.max(64, Integer.highestOneBit(elements - 1) >>> 3);
    return (int) Math.min(Integer.MAX_VALUE - 8, ((long) elements + step - 1) / step * step);
  }

  void release(Storage storage, DType dtype) {
    if (--storage.references > 0) {
      return;
    }
    count(storage.category, -storage.requestedBytes);
    unlink(storage);
    int elements = (int) (storage.bytes / dtype.bytes());
    bySize(dtype).computeIfAbsent(elements, size -> new ArrayDeque<>()).addLast(storage);
  }

  private void count(Category category, long bytes) {
    int i = category.ordinal();
    current[i] += bytes;
    peak[i] = Math.max(peak[i], current[i]);
    totalCurrent += bytes;
    totalPeak = Math.max(totalPeak, totalCurrent);
    transientPeak = Math.max(transientPeak, transientBytes());
  }

  private long transientBytes() {
    return current[Category.ACTIVATIONS.ordinal()] + current[Category.WORKSPACE.ordinal()];
  }

  private void link(Storage storage) {
    storage.previousLive = null;
    storage.nextLive = live;
    if (live != null) {
      live.previousLive = storage;
    }
    live = storage;
  }

  private void unlink(Storage storage) {
    if (storage.previousLive != null) {
      storage.previousLive.nextLive = storage.nextLive;
    } else {
      live = storage.nextLive;
    }
    if (storage.nextLive != null) {
      storage.nextLive.previousLive = storage.previousLive;
    }
    storage.previousLive = null;
    storage.nextLive = null;
  }

  /** Gives every pooled block that no tensor holds back to the allocator. */
  public void trim() {
    for (TreeMap<Integer, ArrayDeque<Storage>> classes : pool.values()) {
      for (ArrayDeque<Storage> free : classes.values()) {
        for (Storage storage : free) {
          reserved -= storage.bytes;
          allocator.free(storage);
        }
      }
      classes.clear();
    }
  }

  /** Opens a scope; tensors made until it closes belong to it. Close it on the same thread. */
  public Scope scope() {
    Scope scope = new Scope(innermost);
    innermost = scope;
    return scope;
  }

  /**
   * Takes a tensor out of its scope: it lives until it is closed.
   *
   * @return the same tensor
   */
  public Tensor keep(Tensor tensor) {
    tensor.leaveScope();
    return tensor;
  }

  void enterScope(Tensor tensor) {
    if (innermost != null) {
      innermost.add(tensor);
    }
  }

  /** Bytes held now by live tensors of a category. */
  public long current(Category category) {
    return current[category.ordinal()];
  }

  /** The most bytes held at once by a category since {@link #resetPeaks}. */
  public long peak(Category category) {
    return peak[category.ordinal()];
  }

  /** Bytes held now by live tensors. */
  public long current() {
    return totalCurrent;
  }

  /** The most bytes held at once since {@link #resetPeaks}. */
  public long peak() {
    return totalPeak;
  }

  /** The most bytes of activations and workspace together held at once since resetPeaks. */
  public long transientPeak() {
    return transientPeak;
  }

  /** Bytes taken from the allocator: live, pooled and lost to rounding. */
  public long reserved() {
    return reserved;
  }

  /** Starts the peaks anew from what is held now. */
  public void resetPeaks() {
    System.arraycopy(current, 0, peak, 0, current.length);
    totalPeak = totalCurrent;
    transientPeak = transientBytes();
  }

  /** The five largest holders among live blocks, as in {@code held: mbconv.z1 12.0 MiB, ...}. */
  public String largestHolders() {
    Map<String, Long> byLabel = new TreeMap<>();
    for (Storage storage = live; storage != null; storage = storage.nextLive) {
      byLabel.merge(storage.label, storage.requestedBytes, Long::sum);
    }
    List<Map.Entry<String, Long>> holders = new ArrayList<>(byLabel.entrySet());
    holders.sort(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()));
    StringBuilder text = new StringBuilder("held now: ").append(human(totalCurrent));
    String separator = ", most by ";
    for (Map.Entry<String, Long> holder : holders.subList(0, Math.min(5, holders.size()))) {
      text.append(separator).append(holder.getKey()).append(' ').append(human(holder.getValue()));
      separator = ", ";
    }
    return text.toString();
  }

  /** Bytes for a reader, as in {@code 1.5 MiB}. */
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
    return "%.1f %s".formatted(value, units[unit]);
  }

  /** A block of code's tensors; see {@link Memory#scope()}. */
  public final class Scope implements AutoCloseable {
    private final @Nullable Scope outer;
    private @Nullable Tensor first;
    private boolean closed;

    private Scope(@Nullable Scope outer) {
      this.outer = outer;
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

    /** Moves a tensor of this scope to the scope around it: how a block returns its result. */
    public Tensor yield(Tensor tensor) {
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
      while (first != null) {
        first.close();
      }
    }
  }
}
