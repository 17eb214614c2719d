package dev.sextant.kernels.elementwise;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.BlockTree;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;

/**
 * The sum of all elements, or the inner product of two arrays: one partial sum from each block,
 * added up on the host in double. Blocks of {@code [1, 256]}; parameters: a, b where there is one,
 * partial {@code [blocks]}, size.
 *
 * @param product whether two arrays are multiplied
 * @param width floats of a vector: 4, or 1 for addresses that are not aligned to 16 bytes
 */
public record Total(boolean product, int width) implements KernelSource {
  @Override
  public String name() {
    return (product ? "dot" : "sum") + "_v" + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k =
        new Assembler(name(), product ? "the inner product of a and b" : "the sum of a", THREADS);
    B64 a = k.pointer("a", "input");
    B64 b = product ? k.pointer("b", "input") : a;
    B64 partial = k.pointer("partial", "sum of each block");
    B32 size = k.integer("size", "elements");
    BlockTree tree = new BlockTree(k, 1, 1);
    F32[] sums = new F32[width];
    for (int lane = 0; lane < width; lane++) {
      sums[lane] = k.variable("sum" + lane, k.constant(0f));
    }
    B32 threads = k.multiply(k.special("%ntid.y"), k.special("%nctaid.x"));
    B32 thread = k.multiplyAdd(k.special("%ctaid.x"), k.special("%ntid.y"), k.special("%tid.y"));
    // A remainder shorter than a vector goes to the first threads, an element each.
    B32 vectors = k.shiftRight(size, width == 4 ? 2 : 0);
    k.loop(
        "vector",
        thread,
        vectors,
        threads,
        vector -> accumulate(k, a, b, k.multiply(vector, width), sums));
    if (width > 1) {
      k.loop(
          "rest",
          k.multiplyAdd(vectors, k.constant(width), thread),
          size,
          threads,
          rest -> accumulate(k, a, b, rest, new F32[] {sums[0]}));
    }
    for (int lane = 1; lane < width; lane++) {
      k.addTo(sums[0], sums[0], sums[lane]);
    }
    tree.sum(new F32[][] {{sums[0]}});
    k.when(
        "this thread has the total",
        k.equal(k.special("%tid.y"), k.constant(0)),
        () -> k.store(k.element(partial, k.special("%ctaid.x")), 0, sums[0]));
    return k.assemble();
  }

  private void accumulate(Assembler k, B64 a, B64 b, B32 from, F32[] sums) {
    F32[] as = k.load(k.element(a, from), 0, sums.length, true);
    F32[] bs = product ? k.load(k.element(b, from), 0, sums.length, true) : as;
    for (int lane = 0; lane < sums.length; lane++) {
      if (product) {
        k.fmaTo(sums[lane], as[lane], bs[lane], sums[lane]);
      } else {
        k.addTo(sums[lane], sums[lane], as[lane]);
      }
    }
  }
}
