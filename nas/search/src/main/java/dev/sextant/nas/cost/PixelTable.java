package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyFiles.Fields;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.SequencedMap;

/**
 * The rows of ProxylessNAS's Pixel-1 table, which know no activations: Conv is the 3x3 stem of
 * stride 2, Conv_1 the 1x1 head, Logits the pooling and the classifier together, expanded_conv an
 * MBConv.
 */
final class PixelTable {
  private PixelTable() {}

  /** Adds a row. */
  static void put(SequencedMap<Key, Entry> entries, String where, Fields fields) {
    try {
      String type = fields.get("type");
      Shape input =
          Shape.of(1, number(fields, "in_h"), number(fields, "in_w"), number(fields, "in_c"));
      int out = number(fields, "out_c");
      double mean = Double.parseDouble(fields.get("mean_ms"));
      Entry entry = LatencyFiles.entry(where, mean, mean, Long.parseLong(fields.get("count")));
      switch (type) {
        case "Logits" -> {
          Key pooling = new Key(new GlobalAvgPool(), input);
          LatencyFiles.putOnce(entries, where, pooling, new Entry(0, 0, entry.count()));
          Key classifier = new Key(new Linear(out), Shape.of(1, input.channels()));
          LatencyFiles.putOnce(entries, where, classifier, entry);
        }
        case "Conv", "Conv_1" -> {
          int stride = input.get(1) / Math.max(1, number(fields, "out_h"));
          int kernel = type.equals("Conv") ? 3 : 1;
          Layer conv = new Conv(kernel, stride, 1, out, true, Activation.IDENTITY);
          LatencyFiles.putOnce(entries, where, new Key(conv, input), entry);
        }
        case "expanded_conv" -> {
          Layer block =
              new MbConv(
                  number(fields, "kernel"),
                  number(fields, "stride"),
                  number(fields, "expand"),
                  out,
                  Activation.IDENTITY,
                  0,
                  fields.get("idskip").equals("1"));
          LatencyFiles.putOnce(entries, where, new Key(block, input), entry);
        }
        default -> throw new SextantException(where + ": type '" + type + "' is unknown");
      }
    } catch (NumberFormatException e) {
      throw new SextantException(where + ": not a number (" + e.getMessage() + ")", e);
    }
  }

  private static int number(Fields fields, String name) {
    return Integer.parseInt(fields.get(name));
  }
}
