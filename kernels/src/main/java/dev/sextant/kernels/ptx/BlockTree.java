package dev.sextant.kernels.ptx;

import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.F32;

/**
 * Adds up what the threads of a block with one {@code tid.x} hold, over {@code tid.y}, as a tree in
 * shared memory: always the same pairs in the same order, so that a sum repeats bit for bit.
 */
public final class BlockTree {
  /** Adds another thread's quantities to this thread's variables. */
  public interface Merge {
    void into(F32[][] mine, F32[][] other);
  }

  private final Assembler k;
  private final int quantities;
  private final int width;
  private final B32 base;
  private final B32 slot;
  private final B32 lane;
  private final B32 lanes;
  private final B32 rowBytes;

  /**
   * Declares the shared memory.
   *
   * @param quantities vectors that a thread holds
   * @param width floats of a vector
   */
  public BlockTree(Assembler k, int quantities, int width) {
    this.k = k;
    this.quantities = quantities;
    this.width = width;
    base = k.shared("tree", quantities * slotBytes(), "[quantity][tid.y][tid.x] vectors");
    lane = k.special("%tid.y");
    lanes = k.special("%ntid.y");
    B32 across = k.special("%ntid.x");
    B32 thread = k.multiplyAdd(lane, across, k.special("%tid.x"));
    slot = k.multiplyAdd(thread, k.constant(4 * width), base);
    rowBytes = k.multiply(across, 4 * width);
  }

  private int slotBytes() {
    return KernelSource.THREADS * width * 4;
  }

  /** Leaves the total in the variables of the threads with {@code tid.y} 0; all must come here. */
  public void total(F32[][] mine, Merge merge) {
    put(mine);
    k.barrier();
    B32 active = k.variable("active", lanes);
    k.loopWhile(
        "several lanes are active",
        () -> k.less(k.constant(1), active),
        () -> {
          B32 half = k.shiftRight(k.add(active, 1), 1);
          k.when(
              "this lane has a partner",
              k.less(lane, k.subtract(active, half)),
              () -> {
                B32 partner = k.multiplyAdd(half, rowBytes, slot);
                F32[][] other = new F32[quantities][];
                for (int q = 0; q < quantities; q++) {
                  other[q] = k.loadShared(partner, q * slotBytes(), width);
                }
                merge.into(mine, other);
                put(mine);
              });
          k.barrier();
          k.assign(active, half);
        });
  }

  /** A quantity of the total, for any thread after {@link #total}; no other total may follow. */
  public F32[] broadcast(int quantity) {
    return k.loadShared(base, quantity * slotBytes(), width);
  }

  private void put(F32[][] mine) {
    for (int q = 0; q < quantities; q++) {
      k.storeShared(slot, q * slotBytes(), mine[q]);
    }
  }

  /** Plain sums. */
  public void sum(F32[][] mine) {
    total(mine, (own, other) -> add(k, own, other));
  }

  public static void add(Assembler k, F32[][] mine, F32[][] other) {
    for (int q = 0; q < mine.length; q++) {
      for (int lane = 0; lane < mine[q].length; lane++) {
        k.addTo(mine[q][lane], mine[q][lane], other[q][lane]);
      }
    }
  }
}
