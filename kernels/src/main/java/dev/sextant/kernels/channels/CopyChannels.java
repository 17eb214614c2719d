package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;

/**
 * Copies a range of channels from rows of one array to rows of another: concatenation, slices and
 * shuffles. Grid: x over rows, y over parts of the range. Parameters: from and to, both at their
 * first channel, rows, channels to copy, channels of a row of from and of to.
 *
 * @param width floats of a vector: 4, or 1 where channels or addresses are not multiples of it
 */
public record CopyChannels(int width) implements KernelSource {
  @Override
  public String name() {
    return "copy_channels_v" + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "to[row, c] = from[row, c]", THREADS);
    B64 from = k.pointer("from", "first channel to copy");
    B64 to = k.pointer("to", "where it goes");
    B32 rows = k.integer("rows", "of both");
    B32 count = k.integer("count", "channels to copy");
    B32 fromChannels = k.integer("fromChannels", "of a row of from");
    B32 toChannels = k.integer("toChannels", "of a row of to");
    ChannelThreads threads = new ChannelThreads(k, width, count, "%ctaid.y");
    B32 row = k.multiplyAdd(k.special("%ctaid.x"), k.special("%ntid.y"), k.special("%tid.y"));
    k.when(
        "the row and the channels exist",
        k.and(threads.inside, k.less(row, rows)),
        () -> {
          B64 source = k.element(from, k.multiplyAdd(row, fromChannels, threads.channel));
          B64 target = k.element(to, k.multiplyAdd(row, toChannels, threads.channel));
          k.store(target, 0, k.load(source, 0, width, true));
        });
    return k.assemble();
  }
}
