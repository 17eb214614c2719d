package dev.sextant.kernels.depthwise;

import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.channels.Moments;
import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.BlockTree;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import dev.sextant.kernels.stencil.ImageTiles;
import dev.sextant.kernels.stencil.StencilPlan;
import dev.sextant.kernels.stencil.StencilPlan.Tap;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Depthwise convolution, and its gradient with respect to the input, which is the same stencil with
 * source and target exchanged: a thread computes a tile of pixels for one vector of channels, and
 * each source pixel it loads feeds every tap of the tile that needs it.
 *
 * <p>Parameters: source as {@link PixelSource.Kind} lists it, w {@code [k, k, C]}, bias where there
 * is one, target, partial statistics {@code [blocks, 3, C]} where they are asked for, then the
 * {@link ImageTiles.Extents}.
 *
 * @param source what the pixels are read through
 * @param activation of the forward pass
 * @param statistics whether each block leaves the {@link Moments} of what it writes, for {@link
 *     ChannelReduction} to combine: saves a pass over the output
 * @param width floats of a vector: 4, or 1 where channels or addresses are not multiples of it
 */
public record DepthwiseKernel(
    Window window,
    boolean backward,
    PixelSource.Form source,
    boolean bias,
    Activation activation,
    boolean statistics,
    int width)
    implements KernelSource {
  /** Statistics are of plain sums. */
  public DepthwiseKernel {
    if (statistics && (backward || bias || activation != Activation.IDENTITY)) {
      throw new IllegalArgumentException("statistics of a convolution are of its plain output");
    }
  }

  /** Of images as they are. */
  public static DepthwiseKernel plain(
      Window window, boolean backward, boolean bias, Activation activation, int width) {
    return new DepthwiseKernel(
        window, backward, PixelSource.Form.PLAIN, bias, activation, false, width);
  }

  /** Rows of a tile, in output pixels of the convolution. Two share the weights loaded. */
  public int tileRows() {
    // A norm's constants and 7 columns more than fill the registers.
    boolean full = window.kernel() >= 7 && source.kind() == PixelSource.Kind.NORMALIZED;
    return window.stride() == 1 && !full ? 2 : 1;
  }

  /** Columns of a tile, in output pixels of the convolution: what registers allow. */
  public int tileColumns() {
    boolean plain = !backward && source.kind() == PixelSource.Kind.PLAIN;
    return window.stride() == 1 || plain ? 4 : 2;
  }

  /** Tiles that cover that many rows of the target. */
  public int tilesDown(int height) {
    return new StencilPlan(window, backward, tileRows()).tiles(height);
  }

  /** Tiles that cover that many columns of the target. */
  public int tilesAcross(int columns) {
    return new StencilPlan(window, backward, tileColumns()).tiles(columns);
  }

  @Override
  public String name() {
    return "depthwise"
        + (backward ? "_backward_data" : "")
        + windowSuffix(window)
        + source.suffix("")
        + (bias ? "_bias" : "")
        + Activations.suffix(activation)
        + (statistics ? "_statistics" : "")
        + "_v"
        + width;
  }

  /** Part of a kernel's name, as in {@code _k3_s1_p1_d1}. */
  public static String windowSuffix(Window window) {
    return String.format(
        Locale.ROOT,
        "_k%d_s%d_p%d_d%d",
        window.kernel(),
        window.stride(),
        window.padding(),
        window.dilation());
  }

  @Override
  public Kernel assemble() {
    Assembler k =
        new Assembler(
            name(),
            backward ? "input gradient of a depthwise convolution" : "depthwise convolution",
            THREADS);
    PixelSource from =
        new PixelSource(k, source, "source", backward ? "output gradient" : "input images");
    B64 w = k.pointer("w", "[k, k, C]");
    B64 biases = bias ? k.pointer("bias", "of each channel") : null;
    B64 target = k.pointer("target", backward ? "input gradient" : "output images");
    B64 partial = statistics ? k.pointer("partial", "[blocks, 3, C]") : null;
    ImageTiles tiles = new ImageTiles(k, width, ImageTiles.Extents.of(k));
    BlockTree tree = statistics ? new BlockTree(k, Moments.COUNT, width) : null;
    F32[][] moments = new F32[statistics ? Moments.COUNT : 0][];
    for (int q = 0; q < moments.length; q++) {
      moments[q] = tiles.threads.zeros("moment" + q + "_");
    }
    B32 number = tiles.number();
    k.when(
        "the tile and the channels exist",
        tiles.exists(number),
        () -> {
          Tile tile = new Tile(k, tiles, tiles.place(number), from.of(tiles));
          tile.write(w, biases, target);
          if (statistics) {
            tile.moments(moments);
          }
        });
    if (tree != null && partial != null) {
      tree.total(moments, (mine, other) -> Moments.merge(k, mine, other));
      k.when(
          "this thread has the moments of channels that exist",
          k.and(tiles.threads.inside, k.equal(k.special("%tid.y"), k.constant(0))),
          () -> {
            B32 first = k.multiply(k.special("%ctaid.x"), Moments.COUNT);
            for (int q = 0; q < Moments.COUNT; q++) {
              k.store(tiles.threads.at(partial, k.add(first, q)), 0, moments[q]);
            }
          });
    }
    return k.assemble();
  }

  /** One thread's tile. */
  private final class Tile {
    private final Assembler k;
    private final ImageTiles tiles;
    private final ImageTiles.Place place;
    private final PixelSource.Pixels source;
    private final StencilPlan down = new StencilPlan(window, backward, tileRows());
    private final StencilPlan across = new StencilPlan(window, backward, tileColumns());
    private final F32[][][] sums = new F32[down.targets()][across.targets()][];

    Tile(Assembler k, ImageTiles tiles, ImageTiles.Place place, PixelSource.Pixels source) {
      this.k = k;
      this.tiles = tiles;
      this.place = place;
      this.source = source;
    }

    void write(B64 w, @Nullable B64 biases, B64 target) {
      for (int row = 0; row < sums.length; row++) {
        for (int column = 0; column < sums[row].length; column++) {
          sums[row][column] =
              tiles.threads.zeros(String.format(Locale.ROOT, "sum_%d_%d_", row, column));
        }
      }
      B32 row = tiles.first(place.row(), down.sourceStep(), down.sourcePadding());
      B32 column = tiles.first(place.column(), across.sourceStep(), across.sourcePadding());
      for (int offset : down.sources()) {
        B32 line = k.add(row, offset);
        k.when(
            String.format(Locale.ROOT, "source row %d of the tile is inside", offset),
            k.within(line, tiles.extents.sourceHeight()),
            () -> row(w, offset, line, column));
      }
      store(biases, target);
    }

    private void row(B64 w, int offset, B32 line, B32 column) {
      ImageTiles.Extents extents = tiles.extents;
      int[] columns = across.sources();
      B32 index =
          tiles.index(place.image(), line, column, extents.sourceHeight(), extents.sourceWidth());
      F32[][] pixels = source.load(index, column, columns, extents.sourceWidth());
      for (Tap vertical : down.from(offset)) {
        k.comment(
            String.format(
                Locale.ROOT, "kernel row %d into row %d", vertical.kernel(), vertical.target()));
        B32 firstTap = k.constant(vertical.kernel() * window.kernel());
        B64 tap = tiles.threads.at(w, firstTap);
        for (int kernel = 0; kernel < window.kernel(); kernel++) {
          F32[] weights = k.load(tap, 0, width, true);
          tap = kernel == window.kernel() - 1 ? tap : k.add(tap, tiles.pixelBytes);
          for (Tap horizontal : across.taps()) {
            if (horizontal.kernel() == kernel) {
              int pixel = Arrays.binarySearch(columns, horizontal.source());
              F32[] sum = sums[vertical.target()][horizontal.target()];
              for (int lane = 0; lane < width; lane++) {
                k.fmaTo(sum[lane], pixels[pixel][lane], weights[lane], sum[lane]);
              }
            }
          }
        }
      }
    }

    private void store(@Nullable B64 biases, B64 target) {
      ImageTiles.Extents extents = tiles.extents;
      F32[] offsets = biases == null ? null : tiles.threads.vector(biases);
      B32 row = tiles.first(place.row(), down.targetStep(), down.targetPadding());
      B32 column = tiles.first(place.column(), across.targetStep(), across.targetPadding());
      for (int r = 0; r < sums.length; r++) {
        int rowInTile = r;
        B32 line = k.add(row, r);
        k.when(
            String.format(Locale.ROOT, "target row %d of the tile is inside", r),
            k.within(line, extents.targetHeight()),
            () -> {
              B64 address =
                  tiles.at(
                      target,
                      place.image(),
                      line,
                      column,
                      extents.targetHeight(),
                      extents.targetWidth());
              for (int c = 0; c < sums[rowInTile].length; c++) {
                F32[] results = results(sums[rowInTile][c], offsets);
                B64 at = address;
                k.under(
                    k.within(k.add(column, c), extents.targetWidth()),
                    () -> k.store(at, 0, results));
                address = k.add(address, tiles.pixelBytes);
              }
            });
      }
    }

    /** Count, mean and squared distances of the sums written, which are all still in registers. */
    void moments(F32[][] into) {
      ImageTiles.Extents extents = tiles.extents;
      B32 row = tiles.first(place.row(), down.targetStep(), down.targetPadding());
      B32 column = tiles.first(place.column(), across.targetStep(), across.targetPadding());
      Pred[][] inside = new Pred[sums.length][sums[0].length];
      F32 count = k.variable("count", k.constant(0f));
      F32 zero = k.constant(0f);
      for (int r = 0; r < sums.length; r++) {
        Pred line = k.within(k.add(row, r), extents.targetHeight());
        for (int c = 0; c < sums[r].length; c++) {
          inside[r][c] = k.and(line, k.within(k.add(column, c), extents.targetWidth()));
          k.addTo(count, count, k.select(inside[r][c], k.constant(1f), zero));
          for (int lane = 0; lane < width; lane++) {
            F32 value = k.select(inside[r][c], sums[r][c][lane], zero);
            k.addTo(into[1][lane], into[1][lane], value);
          }
        }
      }
      for (int lane = 0; lane < width; lane++) {
        k.assign(into[0][lane], count);
        k.assign(into[1][lane], k.divide(into[1][lane], count));
        for (int r = 0; r < sums.length; r++) {
          for (int c = 0; c < sums[r].length; c++) {
            F32 apart = k.subtract(sums[r][c][lane], into[1][lane]);
            F32 distance = k.select(inside[r][c], apart, zero);
            k.fmaTo(into[2][lane], distance, distance, into[2][lane]);
          }
        }
      }
    }

    private F32[] results(F32[] sum, F32 @Nullable [] offsets) {
      F32[] results = new F32[width];
      for (int lane = 0; lane < width; lane++) {
        F32 value = offsets == null ? sum[lane] : k.add(sum[lane], offsets[lane]);
        results[lane] = Activations.apply(k, activation, value);
      }
      return results;
    }
  }
}
