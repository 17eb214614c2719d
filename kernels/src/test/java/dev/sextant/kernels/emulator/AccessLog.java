package dev.sextant.kernels.emulator;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Who read and wrote each word of a memory last, to find races: two accesses of one word by
 * different threads, one of them a write, with no barrier between them. Threads of different blocks
 * have no barrier at all; those of a warp are not in step either (Volta and later).
 *
 * <p>An access is one long: launch, block, barrier interval, thread + 1.
 */
final class AccessLog {
  private static final int PAGE_BITS = 12;
  private static final int THREAD_BITS = 11;
  private static final int INTERVAL_BITS = 12;
  private static final int BLOCK_BITS = 20;

  /** Launches that are kept apart. */
  static final int MOST_LAUNCHES = 1 << (63 - BLOCK_BITS - INTERVAL_BITS - THREAD_BITS);

  private static final long MANY_THREADS = (1 << THREAD_BITS) - 1;

  private final boolean ofBlock;

  /** Of each word who wrote it and who read it, side by side: one look into memory finds both. */
  private final long[] @Nullable [] pages;

  /**
   * A log of nothing.
   *
   * @param ofBlock whether each block has a memory of its own, as shared memory is
   */
  AccessLog(int words, boolean ofBlock) {
    this.ofBlock = ofBlock;
    pages = new long[(words >>> PAGE_BITS) + 1][];
  }

  /** Forgets all accesses. */
  void clear() {
    Arrays.fill(pages, null);
  }

  /** An access; its fields must be in range. */
  static long stamp(int launch, int block, int interval, int thread) {
    if (block >= 1 << BLOCK_BITS || interval >= 1 << INTERVAL_BITS || launch >= MOST_LAUNCHES) {
      throw new EmulationException("too many launches, blocks or barriers to keep apart");
    }
    return (((long) launch << BLOCK_BITS | block) << INTERVAL_BITS | interval) << THREAD_BITS
        | (thread + 1);
  }

  /** Notes a read; says what races with it, or null. */
  @Nullable String read(int word, long stamp, boolean constant) {
    long[] page = page(word);
    int at = at(word);
    long writer = page[at];
    if (constant && sameScope(writer, stamp)) {
      return "a read-only load of what %s wrote".formatted(who(writer));
    }
    if (races(writer, stamp)) {
      return "read of what %s wrote, without a barrier between".formatted(who(writer));
    }
    long reader = page[at + 1];
    boolean together = sameScope(reader, stamp);
    if (constant || together && (reader < 0 || !sameBlock(reader, stamp))) {
      // Read-only, or read by two blocks: a write of this launch is wrong whoever makes it.
      page[at + 1] = -(stamp | MANY_THREADS);
    } else if (together && sameInterval(reader, stamp) && reader != stamp) {
      page[at + 1] = stamp | MANY_THREADS;
    } else {
      page[at + 1] = stamp;
    }
    return null;
  }

  /** Notes a write; says what races with it, or null. */
  @Nullable String write(int word, long stamp) {
    long[] page = page(word);
    int at = at(word);
    long writer = page[at];
    if (races(writer, stamp)) {
      return "write over what %s wrote, without a barrier between".formatted(who(writer));
    }
    long reader = page[at + 1];
    if (reader < 0 && sameScope(reader, stamp)) {
      return "write of what several blocks, or read-only loads, read";
    }
    if (reader > 0 && races(reader, stamp)) {
      return "write of what %s read, without a barrier between".formatted(who(reader));
    }
    page[at] = stamp;
    return null;
  }

  /** Whether the block has written a word. */
  boolean written(int word, long stamp) {
    long writer = page(word)[at(word)];
    return writer != 0 && sameBlock(writer, stamp);
  }

  private boolean races(long earlier, long stamp) {
    return sameScope(earlier, stamp)
        && (!sameBlock(earlier, stamp) || sameInterval(earlier, stamp) && earlier != stamp);
  }

  /**
   * Whether an earlier access was of the same launch, or for a block's memory of the same block.
   */
  private boolean sameScope(long earlier, long stamp) {
    int bits = INTERVAL_BITS + THREAD_BITS + (ofBlock ? 0 : BLOCK_BITS);
    return Math.abs(earlier) >>> bits == stamp >>> bits;
  }

  private static boolean sameBlock(long a, long b) {
    return a >>> (INTERVAL_BITS + THREAD_BITS) == b >>> (INTERVAL_BITS + THREAD_BITS);
  }

  private static boolean sameInterval(long a, long b) {
    return a >>> THREAD_BITS == b >>> THREAD_BITS;
  }

  private static String who(long stamp) {
    long thread = stamp & MANY_THREADS;
    long block = stamp >>> (THREAD_BITS + INTERVAL_BITS) & (1 << BLOCK_BITS) - 1;
    return thread == MANY_THREADS
        ? "several threads of block " + block
        : "thread %d of block %d".formatted(thread - 1, block);
  }

  private static int at(int word) {
    return 2 * (word & (1 << PAGE_BITS) - 1);
  }

  private long[] page(int word) {
    long[] page = pages[word >>> PAGE_BITS];
    if (page == null) {
      page = new long[2 << PAGE_BITS];
      pages[word >>> PAGE_BITS] = page;
    }
    return page;
  }
}
