package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.CellNodes;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The rows of {@code sextant-latency/1}, with a column for each number that a layer can have: read
 * only. Layers that came later are not in it.
 */
final class LatencyRows {
  private static final Pattern CELL =
      Pattern.compile("cell (.*), older \\[1,(\\d+),(\\d+),(\\d+)]");

  private LatencyRows() {}

  /** The layer of a row; throws what its numbers deserve. */
  static Key key(LatencyFields fields) {
    Shape input = Shape.of(1, fields.size("in_h"), fields.size("in_w"), fields.size("in_c"));
    boolean linear = fields.text("op").equals("linear");
    Shape taken = linear ? Shape.of(1, input.channels()) : input;
    try {
      Layer layer = layer(fields, input);
      Shape output = layer.output(taken);
      int[] given = {fields.size("out_h"), fields.size("out_w"), fields.size("out_c")};
      Shape expected = Shape.of(1, given[0], given[1], given[2]);
      if (output.size() != expected.size() || output.channels() != given[2]) {
        throw new SextantException(
            String.format(Locale.ROOT, "gives %s where the row has %s", output, expected));
      }
      return new Key(layer, taken);
    } catch (SextantException e) {
      throw new SextantException(fields.where() + ": " + e.getMessage(), e);
    }
  }

  private static Layer layer(LatencyFields fields, Shape input) {
    int kernel = fields.size("kernel");
    int stride = fields.size("stride");
    int dilation = fields.size("dilation");
    int expand = fields.size("expand");
    double squeezeExcite = fields.number("squeeze_excite");
    boolean residual = fields.truth("residual");
    int out = fields.size("out_c");
    Activation activation = activation(fields.text("activation"));
    String op = fields.text("op");
    return switch (op) {
      case "conv" -> new Conv(kernel, stride, dilation, out, true, activation);
      case "depthwise" -> new Depthwise(kernel, stride, dilation, true, activation);
      case "separable" -> new Separable(kernel, stride, dilation, out, activation);
      case "mbconv" -> new MbConv(kernel, stride, expand, out, activation, squeezeExcite, residual);
      case "max-pool" -> new Pool(true, kernel, stride);
      case "avg-pool" -> new Pool(false, kernel, stride);
      case "global-avg-pool" -> new GlobalAvgPool();
      case "linear" -> new Linear(out, activation);
      case "skip" -> new Skip();
      case "zero" -> new Zero();
      case "fork" -> new Junction(Junction.Kind.FORK);
      case "next" -> new Junction(Junction.Kind.NEXT);
      case "sum" -> new Junction(Junction.Kind.SUM);
      default -> cell(op, input, stride, out);
    };
  }

  private static Cell cell(String op, Shape input, int stride, int out) {
    Matcher matcher = CELL.matcher(op);
    if (!matcher.matches()) {
      throw new SextantException(String.format(Locale.ROOT, "op '%s' is unknown", op));
    }
    Shape older =
        Shape.of(
            1,
            Integer.parseInt(matcher.group(2)),
            Integer.parseInt(matcher.group(3)),
            Integer.parseInt(matcher.group(4)));
    var nodes = CellNodes.parse(matcher.group(1));
    // With one input, the older is that one.
    Cell.Older known = older.equals(input) ? null : Cell.Older.of(older, input);
    return new Cell(nodes, out / nodes.size(), stride, known);
  }

  private static Activation activation(String word) {
    if (word.isEmpty()) {
      return Activation.IDENTITY;
    }
    for (Activation activation : Activation.values()) {
      if (Field.word(activation).equals(word)) {
        return activation;
      }
    }
    throw new SextantException(String.format(Locale.ROOT, "activation '%s' is unknown", word));
  }
}
