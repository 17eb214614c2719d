package dev.sextant.kernels.device;

import dev.sextant.kernels.driver.Driver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Device memory in the manner, and with the constants, of PyTorch's caching allocator: the driver
 * is asked for slabs, which are cut to the size wanted (best fit) and whose pieces are joined
 * again; a steady state asks the driver for nothing and gives nothing back.
 *
 * <p>Sizes are rounded to 512 bytes; up to 1 MiB come from slabs of 2 MiB, up to 10 MiB from slabs
 * of 20 MiB, larger ones have a slab of their own, rounded to 2 MiB. Where the driver has no memory
 * left, all unused slabs go back and it is asked once more. Confined to one thread.
 */
public final class CachingAllocator implements AutoCloseable {
  private static final long ROUNDING = 512;
  private static final long SMALL = 1 << 20;
  private static final long SMALL_SLAB = 2 << 20;
  private static final long MEDIUM = 10 << 20;
  private static final long MEDIUM_SLAB = 20 << 20;
  private static final long LARGE_ROUNDING = 2 << 20;

  /** A piece of a slab, in use or free, between its neighbours. */
  public static final class Piece {
    private final long address;
    private final boolean small;
    private long bytes;
    private boolean free;
    private @Nullable Piece before;
    private @Nullable Piece after;

    private Piece(long address, long bytes, boolean small) {
      this.address = address;
      this.bytes = bytes;
      this.small = small;
    }

    /** Where it begins. */
    public long address() {
      return address;
    }

    /** Its size, at least what was asked for. */
    public long bytes() {
      return bytes;
    }

    private boolean isWholeSlab() {
      return before == null && after == null;
    }
  }

  /**
   * What was done so far.
   *
   * @param allocated bytes in use now, after rounding
   * @param peakAllocated the most at once
   * @param reserved bytes of slabs held now
   * @param peakReserved the most at once
   * @param driverAllocations slabs asked of the driver
   * @param driverFrees slabs given back to it
   * @param retries times the driver had no memory left and unused slabs were given back
   */
  public record Counters(
      long allocated,
      long peakAllocated,
      long reserved,
      long peakReserved,
      long driverAllocations,
      long driverFrees,
      long retries) {}

  private static TreeSet<Piece> pool() {
    return new TreeSet<>(
        Comparator.<Piece>comparingLong(piece -> piece.bytes)
            .thenComparingLong(piece -> piece.address));
  }

  private final Driver driver;
  private final TreeSet<Piece> freeSmall = pool();
  private final TreeSet<Piece> freeLarge = pool();
  private long allocated;
  private long peakAllocated;
  private long reserved;
  private long peakReserved;
  private long driverAllocations;
  private long driverFrees;
  private long retries;

  /** An allocator that asks a driver. */
  public CachingAllocator(Driver driver) {
    this.driver = driver;
  }

  /**
   * A piece of at least that many bytes, aligned to 512.
   *
   * @throws OutOfMemoryError if the device has none left, even after unused slabs went back
   */
  public Piece allocate(long bytes) {
    long size = roundUp(Math.max(bytes, 1), ROUNDING);
    boolean small = size <= SMALL;
    Piece best = bestFit(size, small);
    if (best == null) {
      best = slab(slabBytes(size), small);
    }
    split(best, size);
    best.free = false;
    allocated += best.bytes;
    peakAllocated = Math.max(peakAllocated, allocated);
    return best;
  }

  /** The smallest free piece that is large enough. */
  private @Nullable Piece bestFit(long size, boolean small) {
    TreeSet<Piece> pool = small ? freeSmall : freeLarge;
    Piece best = pool.ceiling(new Piece(Long.MIN_VALUE, size, small));
    if (best != null) {
      pool.remove(best);
    }
    return best;
  }

  private static long slabBytes(long size) {
    if (size <= SMALL) {
      return SMALL_SLAB;
    }
    return size < MEDIUM ? MEDIUM_SLAB : roundUp(size, LARGE_ROUNDING);
  }

  private static long roundUp(long bytes, long to) {
    return (bytes + to - 1) / to * to;
  }

  private Piece slab(long bytes, boolean small) {
    long address;
    try {
      address = driver.allocate(bytes);
    } catch (OutOfMemoryError full) {
      retries++;
      releaseUnused();
      address = driver.allocate(bytes);
    }
    driverAllocations++;
    reserved += bytes;
    peakReserved = Math.max(peakReserved, reserved);
    return new Piece(address, bytes, small);
  }

  /**
   * Cuts off what is left, if it is worth a piece of its own: 512 bytes, or 1 MiB of a large one.
   */
  private void split(Piece piece, long size) {
    long rest = piece.bytes - size;
    if (piece.small ? rest < ROUNDING : rest <= SMALL) {
      return;
    }
    Piece cut = new Piece(piece.address + size, rest, piece.small);
    cut.before = piece;
    cut.after = piece.after;
    if (cut.after != null) {
      cut.after.before = cut;
    }
    piece.after = cut;
    piece.bytes = size;
    putBack(cut);
  }

  /** Takes a piece back and joins it with free neighbours. */
  public void free(Piece piece) {
    if (piece.free) {
      throw new IllegalStateException(String.format(Locale.ROOT, "freed twice: %x", piece.address));
    }
    allocated -= piece.bytes;
    Piece joined = piece;
    if (piece.before != null && piece.before.free) {
      joined = piece.before;
      pool(joined).remove(joined);
      join(joined, piece);
    }
    if (joined.after != null && joined.after.free) {
      Piece next = joined.after;
      pool(next).remove(next);
      join(joined, next);
    }
    putBack(joined);
  }

  private static void join(Piece first, Piece second) {
    first.bytes += second.bytes;
    first.after = second.after;
    if (first.after != null) {
      first.after.before = first;
    }
  }

  private void putBack(Piece piece) {
    piece.free = true;
    pool(piece).add(piece);
  }

  private TreeSet<Piece> pool(Piece piece) {
    return piece.small ? freeSmall : freeLarge;
  }

  /** Gives every slab without a piece in use back to the driver. */
  public void releaseUnused() {
    for (TreeSet<Piece> pool : List.of(freeSmall, freeLarge)) {
      for (Piece piece : new ArrayList<>(pool)) {
        if (piece.isWholeSlab()) {
          pool.remove(piece);
          driver.free(piece.address);
          driverFrees++;
          reserved -= piece.bytes;
        }
      }
    }
  }

  /** What was done so far. */
  public Counters counters() {
    return new Counters(
        allocated, peakAllocated, reserved, peakReserved, driverAllocations, driverFrees, retries);
  }

  /** Gives unused slabs back. */
  @Override
  public void close() {
    releaseUnused();
  }
}
