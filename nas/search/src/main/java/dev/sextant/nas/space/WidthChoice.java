package dev.sextant.nas.space;

import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.SextantException;
import java.util.List;

/**
 * A choice of output width that some neighbouring positions share, as the filters of TuNAS's blocks
 * are. The positions are written with the largest width; between two of them, and around the first,
 * nothing else changes the width. Immutable.
 *
 * @param first position whose output has the width
 * @param last position whose output has it
 * @param options widths, ascending, at least two
 */
public record WidthChoice(int first, int last, List<Integer> options) {
  /** Most widths of one choice. */
  static final int MAX_OPTIONS = 64;

  /** Checks the numbers. */
  public WidthChoice {
    options = List.copyOf(options);
    if (first < 0 || last < first) {
      throw new SextantException("width: positions %d to %d are no range".formatted(first, last));
    }
    if (options.size() < 2 || options.size() > MAX_OPTIONS) {
      throw new SextantException(
          "width: %d options is not between 2 and %d".formatted(options.size(), MAX_OPTIONS));
    }
    for (int i = 1; i < options.size(); i++) {
      if (options.get(i) <= options.get(i - 1)) {
        throw new SextantException("width: %s do not ascend".formatted(options));
      }
    }
  }

  /** The width that the positions are written with. */
  int largest() {
    return options.getLast();
  }

  /** A layer with another output width; layers that keep their input's width stay as they are. */
  static Layer withOut(Layer layer, int out) {
    return switch (layer) {
      case Layer.Conv l ->
          new Layer.Conv(l.kernel(), l.stride(), l.dilation(), out, l.batchNorm(), l.activation());
      case Layer.Separable l ->
          new Layer.Separable(l.kernel(), l.stride(), l.dilation(), out, l.activation());
      case Layer.MbConv l ->
          new Layer.MbConv(
              l.kernel(),
              l.stride(),
              l.expand(),
              out,
              l.activation(),
              l.squeezeExcite(),
              l.residual());
      case Layer.Linear l -> new Layer.Linear(out, l.activation());
      case Cell _ -> throw new SextantException("width: that of a cell cannot be searched");
      case Layer.Depthwise _,
          Layer.Pool _,
          Layer.Skip _,
          Layer.Zero _,
          Layer.Junction _,
          Layer.GlobalAvgPool _ ->
          layer;
    };
  }

  /** Whether a layer gives its input's width. */
  static boolean keepsWidth(Layer layer) {
    return switch (layer) {
      case Layer.Depthwise _,
          Layer.Pool _,
          Layer.Skip _,
          Layer.Zero _,
          Layer.Junction _,
          Layer.GlobalAvgPool _ ->
          true;
      case Layer.Conv _, Layer.Separable _, Layer.MbConv _, Layer.Linear _, Cell _ -> false;
    };
  }
}
