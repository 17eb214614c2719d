package dev.sextant.kernels.convolution;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;

/**
 * out {@code [columns, rows]} = x {@code [rows, columns]} transposed: turns kernels {@code [k, k,
 * Cin, Cout]} to cuDNN's {@code [Cout, k, k, Cin]} and back. They are small beside the images, so
 * reads are left to the cache. Parameters: x, out, rows, columns, size.
 */
public record Transpose() implements KernelSource {
  @Override
  public String name() {
    return "transpose";
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "out = x transposed", THREADS);
    B64 x = k.pointer("x", "[rows, columns]");
    B64 out = k.pointer("out", "[columns, rows]");
    B32 rows = k.integer("rows", "of x");
    B32 columns = k.integer("columns", "of x");
    B32 size = k.integer("size", "elements");
    B32 i = k.globalThread();
    k.when(
        "an element is left",
        k.within(i, size),
        () -> {
          B32 column = k.divide(i, rows);
          B32 row = k.subtract(i, k.multiply(column, rows));
          B64 from = k.element(x, k.multiplyAdd(row, columns, column));
          k.store(k.element(out, i), 0, k.load(from, 0, 1, true));
        });
    return k.assemble();
  }
}
