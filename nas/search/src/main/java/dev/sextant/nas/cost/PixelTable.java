package dev.sextant.nas.cost;

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
  static void put(SequencedMap<Key, Entry> entries, LatencyFields fields) {
    String where = fields.where();
    String type = fields.text("type");
    Shape input = Shape.of(1, fields.size("in_h"), fields.size("in_w"), fields.size("in_c"));
    int out = fields.size("out_c");
    double mean = fields.number("mean_ms");
    Entry entry = LatencyFiles.entry(where, mean, mean, fields.whole("count"));
    switch (type) {
      case "Logits" -> {
        Key pooling = new Key(new GlobalAvgPool(), input);
        LatencyFiles.putOnce(entries, where, pooling, new Entry(0, 0, entry.count()));
        Key classifier = new Key(new Linear(out), Shape.of(1, input.channels()));
        LatencyFiles.putOnce(entries, where, classifier, entry);
      }
      case "Conv", "Conv_1" -> {
        int stride = input.get(1) / Math.max(1, fields.size("out_h"));
        int kernel = type.equals("Conv") ? 3 : 1;
        Layer conv = new Conv(kernel, stride, 1, out, true, Activation.IDENTITY);
        LatencyFiles.putOnce(entries, where, new Key(conv, input), entry);
      }
      case "expanded_conv" -> {
        Layer block =
            new MbConv(
                fields.size("kernel"),
                fields.size("stride"),
                fields.size("expand"),
                out,
                Activation.IDENTITY,
                0,
                fields.text("idskip").equals("1"));
        LatencyFiles.putOnce(entries, where, new Key(block, input), entry);
      }
      default -> throw new SextantException(where + ": type '" + type + "' is unknown");
    }
  }
}
