package dev.sextant.kernels.pooling;

import dev.sextant.kernels.depthwise.DepthwiseKernel;
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
import dev.sextant.tensor.Window;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Maximum and average pooling. Gradients are gathered, each input pixel from the windows that hold
 * it, so that no two threads add to one element. The gradient of a maximum first writes the number
 * of the winning tap of each window (as a float).
 *
 * <p>Parameters: source, winners where the mode reads them, target, then the {@link
 * ImageTiles.Extents}.
 *
 * @param width floats of a vector: 4, or 1 where channels or addresses are not multiples of it
 */
public record PoolingKernel(Mode mode, Window window, int width) implements KernelSource {
  /** What is computed. */
  public enum Mode {
    /** Maximum; padding never wins, not a number does. */
    MAX,
    /** The number of the first tap that holds the maximum, as a float. */
    WINNER,
    /** Mean of the pixels inside the image. */
    AVERAGE,
    /** Input gradient of the maximum from output gradient and winners. */
    MAX_BACKWARD,
    /** Input gradient of the mean. */
    AVERAGE_BACKWARD;

    /** Whether the source is an output gradient. */
    public boolean backward() {
      return this == MAX_BACKWARD || this == AVERAGE_BACKWARD;
    }
  }

  /** Tiles that cover that many rows, or columns, of the target. */
  public int tiles(int extent) {
    return new StencilPlan(window, mode.backward(), 1).tiles(extent);
  }

  @Override
  public String name() {
    return "pool_"
        + mode.name().toLowerCase(Locale.ROOT)
        + DepthwiseKernel.windowSuffix(window)
        + "_v"
        + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k =
        new Assembler(
            name(), "pooling: " + mode.name().toLowerCase(Locale.ROOT).replace('_', ' '), THREADS);
    B64 source = k.pointer("source", mode.backward() ? "output gradient" : "input images");
    B64 winners = mode == Mode.MAX_BACKWARD ? k.pointer("winners", "tap of each output") : null;
    B64 target = k.pointer("target", mode.backward() ? "input gradient" : "output images");
    ImageTiles tiles = new ImageTiles(k, width, ImageTiles.Extents.of(k));
    B32 tile = tiles.number();
    k.when(
        "the tile and the channels exist",
        tiles.exists(tile),
        () -> {
          Tile work = new Tile(k, tiles, tiles.place(tile), source, winners);
          work.store(target, mode.backward() ? work.gathered() : new F32[][][] {{work.pooled()}});
        });
    return k.assemble();
  }

  /** One thread's tile: one window of the forward pass. */
  private final class Tile {
    private final Assembler k;
    private final ImageTiles tiles;
    private final ImageTiles.Place place;
    private final B64 source;
    private final @Nullable B64 winners;
    private final StencilPlan plan = new StencilPlan(window, mode.backward(), 1);
    private final B32 row;
    private final B32 column;

    Tile(Assembler k, ImageTiles tiles, ImageTiles.Place place, B64 source, @Nullable B64 winners) {
      this.k = k;
      this.tiles = tiles;
      this.place = place;
      this.source = source;
      this.winners = winners;
      row = tiles.first(place.row(), plan.sourceStep(), plan.sourcePadding());
      column = tiles.first(place.column(), plan.sourceStep(), plan.sourcePadding());
    }

    private B64 at(B64 base, B32 line, B32 across) {
      ImageTiles.Extents extents = tiles.extents;
      return tiles.at(
          base, place.image(), line, across, extents.sourceHeight(), extents.sourceWidth());
    }

    /** Visits the source pixels inside the image, in the order of memory. */
    private void pixels(Pixel body) {
      for (int vertical : plan.sources()) {
        B32 line = k.add(row, vertical);
        k.when(
            String.format(Locale.ROOT, "source row %d is inside", vertical),
            k.within(line, tiles.extents.sourceHeight()),
            () -> {
              for (int horizontal : plan.sources()) {
                B32 across = k.add(column, horizontal);
                k.when(
                    String.format(Locale.ROOT, "source column %d is inside", horizontal),
                    k.within(across, tiles.extents.sourceWidth()),
                    () -> body.visit(vertical, horizontal, line, across));
              }
            });
      }
    }

    F32[] pooled() {
      return mode == Mode.AVERAGE ? average() : max();
    }

    private F32[] average() {
      F32[] sums = tiles.threads.zeros("sum");
      F32 count = k.variable("count", k.constant(0f));
      pixels(
          (vertical, horizontal, line, across) -> {
            F32[] values = k.load(at(source, line, across), 0, width, true);
            BlockTree.add(k, new F32[][] {sums}, new F32[][] {values});
            k.addTo(count, count, k.constant(1f));
          });
      F32[] means = new F32[width];
      for (int lane = 0; lane < width; lane++) {
        means[lane] = k.divide(sums[lane], k.max(count, k.constant(1f)));
      }
      return means;
    }

    private F32[] max() {
      F32[] best = new F32[width];
      F32[] winner = tiles.threads.zeros("winner");
      for (int lane = 0; lane < width; lane++) {
        best[lane] = k.variable("best" + lane, k.constant(Float.NEGATIVE_INFINITY));
        k.assign(winner[lane], k.constant(-1f));
      }
      pixels(
          (vertical, horizontal, line, across) -> {
            F32[] values = k.load(at(source, line, across), 0, width, true);
            int tap = vertical / window.dilation() * window.kernel();
            F32 number = k.constant((float) (tap + horizontal / window.dilation()));
            for (int lane = 0; lane < width; lane++) {
              Pred larger = k.greaterOrUnordered(values[lane], best[lane]);
              Pred better = k.and(larger, k.equal(best[lane], best[lane]));
              Pred taken = k.or(better, k.less(winner[lane], k.constant(0f)));
              k.assign(best[lane], k.select(taken, values[lane], best[lane]));
              k.assign(winner[lane], k.select(taken, number, winner[lane]));
            }
          });
      if (mode == Mode.WINNER) {
        return winner;
      }
      // A window that dilation moves past the whole image has no maximum: 0, as the reference has
      // it.
      F32[] results = new F32[width];
      for (int lane = 0; lane < width; lane++) {
        Pred none = k.less(winner[lane], k.constant(0f));
        results[lane] = k.select(none, k.constant(0f), best[lane]);
      }
      return results;
    }

    F32[][][] gathered() {
      F32[][][] sums = new F32[plan.targets()][plan.targets()][];
      for (int down = 0; down < sums.length; down++) {
        for (int across = 0; across < sums.length; across++) {
          sums[down][across] =
              tiles.threads.zeros(String.format(Locale.ROOT, "sum_%d_%d_", down, across));
        }
      }
      pixels(
          (vertical, horizontal, line, across) -> {
            F32[] gradients = k.load(at(source, line, across), 0, width, true);
            if (winners != null) {
              F32[] winner = k.load(at(winners, line, across), 0, width, true);
              toWinners(vertical, horizontal, gradients, winner, sums);
            } else {
              toAll(vertical, horizontal, line, across, gradients, sums);
            }
          });
      return sums;
    }

    private void toWinners(
        int vertical, int horizontal, F32[] gradients, F32[] winner, F32[][][] sums) {
      for (Tap down : plan.from(vertical)) {
        for (Tap across : plan.from(horizontal)) {
          F32 number = k.constant((float) (down.kernel() * window.kernel() + across.kernel()));
          for (int lane = 0; lane < width; lane++) {
            F32 sum = sums[down.target()][across.target()][lane];
            F32 gradient = gradients[lane];
            k.under(k.equal(winner[lane], number), () -> k.addTo(sum, sum, gradient));
          }
        }
      }
    }

    private void toAll(
        int vertical, int horizontal, B32 line, B32 across, F32[] gradients, F32[][][] sums) {
      B32 pixels =
          k.multiply(
              covered(line, tiles.extents.targetHeight()),
              covered(across, tiles.extents.targetWidth()));
      F32 share = k.divide(k.constant(1f), k.toFloat(pixels));
      for (int lane = 0; lane < width; lane++) {
        F32 part = k.multiply(gradients[lane], share);
        for (Tap down : plan.from(vertical)) {
          for (Tap right : plan.from(horizontal)) {
            F32 sum = sums[down.target()][right.target()][lane];
            k.addTo(sum, sum, part);
          }
        }
      }
    }

    /** How many taps of the window at an output position lie inside the image, in one direction. */
    private B32 covered(B32 output, B32 extent) {
      B32 first = tiles.first(output, window.stride(), window.padding());
      B32 count = k.constant(0);
      for (int tap = 0; tap < window.kernel(); tap++) {
        Pred inside = k.within(k.add(first, tap * window.dilation()), extent);
        count = k.add(count, k.select(inside, k.constant(1), k.constant(0)));
      }
      return count;
    }

    void store(B64 target, F32[][][] results) {
      ImageTiles.Extents extents = tiles.extents;
      B32 top = tiles.first(place.row(), plan.targetStep(), plan.targetPadding());
      B32 left = tiles.first(place.column(), plan.targetStep(), plan.targetPadding());
      for (int down = 0; down < results.length; down++) {
        for (int right = 0; right < results.length; right++) {
          F32[] result = results[down][right];
          B32 line = k.add(top, down);
          B32 across = k.add(left, right);
          k.when(
              String.format(Locale.ROOT, "target pixel %d, %d is inside", down, right),
              k.and(
                  k.within(line, extents.targetHeight()), k.within(across, extents.targetWidth())),
              () ->
                  k.store(
                      tiles.at(
                          target,
                          place.image(),
                          line,
                          across,
                          extents.targetHeight(),
                          extents.targetWidth()),
                      0,
                      result));
        }
      }
    }
  }

  private interface Pixel {
    void visit(int vertical, int horizontal, B32 line, B32 across);
  }
}
