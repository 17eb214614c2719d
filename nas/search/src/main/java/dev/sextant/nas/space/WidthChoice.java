package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

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
      throw new SextantException(
          String.format(Locale.ROOT, "width: positions %d to %d are no range", first, last));
    }
    if (options.size() < 2 || options.size() > MAX_OPTIONS) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "width: %d options is not between 2 and %d",
              options.size(),
              MAX_OPTIONS));
    }
    for (int i = 1; i < options.size(); i++) {
      if (options.get(i) <= options.get(i - 1)) {
        throw new SextantException(String.format(Locale.ROOT, "width: %s do not ascend", options));
      }
    }
  }

  /** The width that the positions are written with. */
  int largest() {
    return options.getLast();
  }

  /** A layer with another output width; layers that keep their input's width stay as they are. */
  static Layer withOut(Layer layer, int out) {
    if (layer instanceof Cell) {
      throw new SextantException("width: that of a cell cannot be searched");
    }
    return LayerJson.with(layer, Field.OUT, out);
  }

  /** Whether a layer gives its input's width. */
  static boolean keepsWidth(Layer layer) {
    return !layer.type().hasWidth() && !(layer instanceof Cell);
  }
}
