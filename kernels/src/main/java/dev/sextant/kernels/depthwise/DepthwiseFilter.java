package dev.sextant.kernels.depthwise;

import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.BlockTree;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.stencil.ImageTiles;
import dev.sextant.kernels.stencil.StencilPlan;
import dev.sextant.kernels.stencil.StencilPlan.Tap;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The gradient of a depthwise kernel in one pass over images and output gradient: a thread keeps
 * all k x k sums of its channels in registers while it walks over tiles of a row; the block adds
 * them up in shared memory, and a second kernel ({@link ChannelReduction}, a plain sum) adds up the
 * blocks, all in a fixed order.
 *
 * <p>Grid: x over chunks of tiles, y over parts of the channels. Parameters: x and dy as {@link
 * PixelSource.Kind} lists them, partial {@code [chunks, k, k, C]}, tiles of a chunk, then the
 * {@link ImageTiles.Extents} with x as source.
 *
 * @param width floats of a vector: what registers hold for the kernel, at most {@link #widest}
 */
public record DepthwiseFilter(
    Window window, PixelSource.Form images, PixelSource.Form gradient, int width)
    implements KernelSource {
  /** Of images and an output gradient as they are. */
  public static DepthwiseFilter plain(Window window, int width) {
    return new DepthwiseFilter(window, PixelSource.Form.PLAIN, PixelSource.Form.PLAIN, width);
  }

  /** Output columns of a tile: fewer where the stride spreads them over more input columns. */
  public static int tile(Window window) {
    return window.stride() == 1 ? 4 : 2;
  }

  /** The widest vector whose sums fit in registers: 36 for 3x3, 50 for 5x5, 49 for 7x7. */
  public static int widest(int kernel) {
    return kernel <= 3 ? 4 : kernel <= 5 ? 2 : 1;
  }

  @Override
  public String name() {
    return "depthwise_backward_filter"
        + DepthwiseKernel.windowSuffix(window)
        + images.suffix("x_")
        + gradient.suffix("dy_")
        + "_v"
        + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), "kernel gradient of a depthwise convolution", THREADS);
    PixelSource x = new PixelSource(k, images, "x", "input images");
    PixelSource dy = new PixelSource(k, gradient, "dy", "output gradient");
    B64 partial = k.pointer("partial", "[chunks, k, k, C]");
    B32 chunk = k.integer("chunk", "tiles of a block");
    ImageTiles tiles = new ImageTiles(k, width, ImageTiles.Extents.of(k));
    int taps = window.kernel();
    BlockTree tree = new BlockTree(k, taps, width);
    F32[][][] sums = new F32[taps][taps][];
    for (int row = 0; row < taps; row++) {
      for (int column = 0; column < taps; column++) {
        sums[row][column] =
            tiles.threads.zeros(String.format(Locale.ROOT, "sum_%d_%d_", row, column));
      }
    }
    k.when(
        "the channels exist",
        tiles.threads.inside,
        () -> {
          PixelSource.Pixels xs = x.of(tiles);
          PixelSource.Pixels dys = dy.of(tiles);
          B32 begin = k.multiply(k.special("%ctaid.x"), chunk);
          B32 end = k.min(k.add(begin, chunk), tiles.extents.tiles());
          k.loop(
              "tile",
              k.add(begin, k.special("%tid.y")),
              end,
              k.special("%ntid.y"),
              tile -> accumulate(k, tiles, tiles.place(tile), xs, dys, sums));
        });
    for (int row = 0; row < taps; row++) {
      int r = row;
      tree.sum(sums[row]);
      k.when(
          "this thread has the totals of kernel row " + row,
          k.and(tiles.threads.inside, k.equal(k.special("%tid.y"), k.constant(0))),
          () -> {
            B32 first = k.multiply(k.special("%ctaid.x"), taps * taps);
            B64 address = tiles.threads.at(partial, k.add(first, r * taps));
            for (int column = 0; column < taps; column++) {
              k.store(address, 0, sums[r][column]);
              address = column == taps - 1 ? address : k.add(address, tiles.pixelBytes);
            }
          });
    }
    return k.assemble();
  }

  private void accumulate(
      Assembler k,
      ImageTiles tiles,
      ImageTiles.Place place,
      PixelSource.Pixels x,
      PixelSource.Pixels dy,
      F32[][][] sums) {
    ImageTiles.Extents extents = tiles.extents;
    StencilPlan plan = new StencilPlan(window, false, tile(window));
    int[] columns = plan.sources();
    int[] outputs = IntStream.range(0, plan.targets()).toArray();
    B32 outColumn = tiles.first(place.column(), plan.targetStep(), 0);
    B32 output =
        tiles.index(
            place.image(), place.row(), outColumn, extents.targetHeight(), extents.targetWidth());
    F32[][] gradients = dy.load(output, outColumn, outputs, extents.targetWidth());
    B32 row = tiles.first(place.row(), window.stride(), window.padding());
    B32 column = tiles.first(place.column(), plan.sourceStep(), plan.sourcePadding());
    for (int kernel = 0; kernel < window.kernel(); kernel++) {
      F32[][] into = sums[kernel];
      B32 line = k.add(row, kernel * window.dilation());
      k.when(
          String.format(Locale.ROOT, "the source row of kernel row %d is inside", kernel),
          k.within(line, extents.sourceHeight()),
          () -> {
            B32 input =
                tiles.index(
                    place.image(), line, column, extents.sourceHeight(), extents.sourceWidth());
            F32[][] pixels = x.load(input, column, columns, extents.sourceWidth());
            for (Tap tap : plan.taps()) {
              int pixel = Arrays.binarySearch(columns, tap.source());
              F32[] sum = into[tap.kernel()];
              for (int lane = 0; lane < width; lane++) {
                k.fmaTo(sum[lane], pixels[pixel][lane], gradients[tap.target()][lane], sum[lane]);
              }
            }
          });
    }
  }
}
