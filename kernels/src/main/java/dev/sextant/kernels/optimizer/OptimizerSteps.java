package dev.sextant.kernels.optimizer;

import dev.sextant.kernels.optimizer.OptimizerStep.Rule;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import java.util.Locale;

/**
 * An optimizer step of many tensors in one launch. A network has hundreds of parameters, most of
 * them small: launching a kernel for each takes longer than their work.
 *
 * <p>A block takes {@link #CHUNK} elements of one tensor, which two tables tell it: of each block,
 * its tensor's number and its first element; of each tensor, {@link #ROW} words: the addresses of
 * weights, gradient and moments, each as two words (see {@link #high} and {@link #low}), the size,
 * and the rule's constants, which differ from tensor to tensor. Addresses are multiples of 16.
 */
public record OptimizerSteps(Rule rule) implements KernelSource {
  /** Elements of a block: four vectors for each thread. */
  public static final int CHUNK = 4096;

  /** Words of a tensor in its table. */
  public static final int ROW = 20;

  /** Where in a row the size is, and the constants behind it. */
  public static final int SIZE = 8;

  private static final int WIDTH = 4;

  /** Bits of an address, in words of memory, that its low word holds: no sign gets in. */
  private static final int LOW_BITS = 30;

  /** The high word of an address. */
  public static int high(long address) {
    return (int) (address >>> (LOW_BITS + 2));
  }

  /** The low word of an address. */
  public static int low(long address) {
    return (int) (address >>> 2) & ((1 << LOW_BITS) - 1);
  }

  @Override
  public String name() {
    return rule.name().toLowerCase(Locale.ROOT) + "_tensors";
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "one optimizer step of many tensors", THREADS);
    B64 blocks = k.pointer("blocks", "of each block: number of its tensor, first element");
    B64 tensors = k.pointer("tensors", "of each tensor: addresses, size, constants");
    B64 block = k.element(blocks, k.multiply(k.special("%ctaid.x"), 2));
    B64 row = k.element(tensors, k.multiply(k.loadInteger(block), ROW));
    B32 first = k.loadInteger(k.element(block, k.constant(1)));
    int arrays = 2 + OptimizerStep.moments(rule).size();
    B64[] bases = new B64[arrays];
    for (int i = 0; i < arrays; i++) {
      k.comment("address of array " + i);
      B32 high = k.loadInteger(k.element(row, k.constant(2 * i)));
      B32 low = k.loadInteger(k.element(row, k.constant(2 * i + 1)));
      bases[i] = k.add(k.multiply(k.bytes(high), 1 << LOW_BITS), k.bytes(low));
    }
    B32 size = k.loadInteger(k.element(row, k.constant(SIZE)));
    F32[] constants = new F32[OptimizerStep.constantCount(rule)];
    for (int i = 0; i < constants.length; i++) {
      constants[i] = k.load(row, 4 * (SIZE + 1 + i), 1, false)[0];
    }
    B32 end = k.min(size, k.add(first, CHUNK));
    B32 mine = k.add(first, k.multiply(k.special("%tid.x"), WIDTH));
    k.loop(
        "vector",
        mine,
        end,
        k.constant(THREADS * WIDTH),
        from -> {
          B32 last = k.add(from, WIDTH - 1);
          k.when(
              "a whole vector is left",
              k.less(last, size),
              () -> elements(k, bases, from, WIDTH, constants));
          k.when(
              "this thread has the rest",
              k.not(k.less(last, size)),
              () ->
                  k.loop("i", from, size, k.constant(1), i -> elements(k, bases, i, 1, constants)));
        });
    return k.assemble();
  }

  private void elements(Assembler k, B64[] bases, B32 from, int lanes, F32[] constants) {
    B64[] addresses = new B64[bases.length];
    F32[][] loaded = new F32[bases.length][];
    for (int i = 0; i < bases.length; i++) {
      addresses[i] = k.element(bases[i], from);
      loaded[i] = k.load(addresses[i], 0, lanes, false);
    }
    F32[][] results = new F32[lanes][];
    for (int lane = 0; lane < lanes; lane++) {
      F32[] in = new F32[bases.length];
      for (int i = 0; i < in.length; i++) {
        in[i] = loaded[i][lane];
      }
      results[lane] = OptimizerStep.update(k, rule, in, constants);
    }
    // All but the gradient are written.
    for (int written = 0; written < bases.length - 1; written++) {
      F32[] values = new F32[lanes];
      for (int lane = 0; lane < lanes; lane++) {
        values[lane] = results[lane][written];
      }
      k.store(addresses[written == 0 ? 0 : written + 1], 0, values);
    }
  }
}
