package dev.sextant.kernels.elementwise;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The shape of every elementwise kernel: arrays of one size, read and written at the same index. A
 * thread takes one vector of each; the thread after the last whole vector takes what is left.
 */
public final class FlatArrays {
  private record Array(String name, B64 base, boolean read, boolean written) {}

  private final Assembler k;
  private final int width;
  private final List<Array> arrays = new ArrayList<>();

  public FlatArrays(Assembler k, int width) {
    this.k = k;
    this.width = width;
  }

  /** An array the kernel reads. */
  public FlatArrays reads(String name, String meaning) {
    arrays.add(new Array(name, k.pointer(name, meaning), true, false));
    return this;
  }

  /** An array the kernel writes. */
  FlatArrays writes(String name, String meaning) {
    arrays.add(new Array(name, k.pointer(name, meaning), false, true));
    return this;
  }

  /** An array the kernel reads, then writes. */
  public FlatArrays updates(String name, String meaning) {
    arrays.add(new Array(name, k.pointer(name, meaning), true, true));
    return this;
  }

  /**
   * Writes the kernel's body.
   *
   * @param element from one element of each array read, in order, to one of each array written
   */
  public void each(UnaryOperator<F32[]> element) {
    B32 size = k.integer("size", "elements of each array");
    B32 from = k.multiply(k.globalThread(), width);
    // Unsigned comparisons: past 2^31 the index of a thread without work does not turn negative.
    k.when(
        width == 1 ? "an element is left" : "a whole vector is left",
        k.within(k.add(from, width - 1), size),
        () -> vector(from, width, element));
    if (width > 1) {
      k.when(
          "this thread has the rest",
          k.and(k.within(from, size), k.not(k.within(k.add(from, width - 1), size))),
          () -> k.loop("i", from, size, k.constant(1), i -> vector(i, 1, element)));
    }
  }

  private void vector(B32 from, int lanes, UnaryOperator<F32[]> element) {
    List<B64> addresses = new ArrayList<>();
    List<F32[]> loaded = new ArrayList<>();
    for (Array array : arrays) {
      B64 address = k.element(array.base, from);
      addresses.add(address);
      if (array.read) {
        loaded.add(k.load(address, 0, lanes, false));
      }
    }
    List<F32[]> results = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      int at = lane;
      results.add(element.apply(loaded.stream().map(vector -> vector[at]).toArray(F32[]::new)));
    }
    int written = 0;
    for (int a = 0; a < arrays.size(); a++) {
      if (arrays.get(a).written) {
        int result = written++;
        k.store(
            addresses.get(a), 0, results.stream().map(lane -> lane[result]).toArray(F32[]::new));
      }
    }
  }
}
