package dev.sextant.kernels.stencil;

import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;

/**
 * Which source positions feed which positions of a thread's tile, in one direction: all known when
 * a kernel is written, so that it has no tests of parity. For a tile numbered t (in that
 * direction):
 *
 * <ul>
 *   <li>forward, outputs t n to t n + n - 1 read inputs from t n stride - padding on;
 *   <li>backward, the n stride inputs from t n stride - padding on gather from outputs around t n.
 * </ul>
 *
 * @param tile n, positions of a tile: outputs of the convolution in both directions
 */
public record StencilPlan(Window window, boolean backward, int tile) {
  /** A source offset (from the tile's first), the position it feeds, by which row of the kernel. */
  public record Tap(int source, int target, int kernel) {}

  /** All taps, in the order of the kernel. */
  public List<Tap> taps() {
    List<Tap> taps = new ArrayList<>();
    for (int kernel = 0; kernel < window.kernel(); kernel++) {
      int reach = kernel * window.dilation();
      for (int target = 0; target < targets(); target++) {
        if (!backward) {
          taps.add(new Tap(target * window.stride() + reach, target, kernel));
        } else if (Math.floorMod(target - reach, window.stride()) == 0) {
          taps.add(new Tap(Math.floorDiv(target - reach, window.stride()), target, kernel));
        }
      }
    }
    return taps;
  }

  /** Positions that a tile writes. */
  public int targets() {
    return backward ? tile * window.stride() : tile;
  }

  /** The source offsets in use, ascending. */
  public int[] sources() {
    return taps().stream().mapToInt(Tap::source).sorted().distinct().toArray();
  }

  /** From tile number to first target: this factor, and less {@link #targetPadding()}. */
  public int targetStep() {
    return targets();
  }

  public int targetPadding() {
    return backward ? window.padding() : 0;
  }

  /** From tile number to the source of offset 0: this factor, and less sourcePadding. */
  public int sourceStep() {
    return backward ? tile : tile * window.stride();
  }

  public int sourcePadding() {
    return backward ? 0 : window.padding();
  }

  /** The taps of one source offset. */
  public List<Tap> from(int source) {
    return taps().stream().filter(tap -> tap.source == source).toList();
  }

  /** How many tiles cover that many targets. */
  public int tiles(int extent) {
    return (extent + targetPadding() + targets() - 1) / targets();
  }
}
