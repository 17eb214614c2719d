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
import java.util.Locale;
import java.util.SequencedMap;

/**
 * The rows of ProxylessNAS's Pixel-1 table, which know no activations: Conv is the 3x3 stem of
 * stride 2, Conv_1 the 1x1 head, Logits the pooling and the classifier together, expanded_conv an
 * MBConv. Once-for-All's have the pooling apart (AvgPool2D), and Conv_2, a fully connected layer
 * behind it.
 */
final class PixelTable {
  private PixelTable() {}

  /** Adds a row. */
  static void put(SequencedMap<Key, Entry> entries, LatencyFields fields) {
    String where = fields.where();
    String type = fields.text("type");
    Shape input = input(fields);
    int out = fields.size("out_c");
    Entry entry = entry(fields);
    switch (type) {
      case "Logits" -> {
        Key pooling = new Key(new GlobalAvgPool(), input);
        LatencyFiles.putOnce(entries, where, pooling, new Entry(0, 0, entry.count()));
        Key classifier = new Key(new Linear(out), Shape.of(1, input.channels()));
        LatencyFiles.putOnce(entries, where, classifier, entry);
      }
      case "AvgPool2D" ->
          LatencyFiles.putOnce(entries, where, new Key(new GlobalAvgPool(), input), entry);
      case "Conv_2" ->
          LatencyFiles.putOnce(
              entries, where, new Key(new Linear(out), Shape.of(1, input.channels())), entry);
      case "Conv", "Conv_1" -> {
        int stride = Math.ceilDiv(input.get(1), Math.max(1, fields.size("out_h")));
        int kernel = type.equals("Conv") ? 3 : 1;
        putImage(
            entries, fields, new Conv(kernel, stride, 1, out, true, Activation.IDENTITY), input);
      }
      case "expanded_conv" ->
          putImage(
              entries,
              fields,
              new MbConv(
                  fields.size("kernel"),
                  fields.size("stride"),
                  fields.size("expand"),
                  out,
                  Activation.IDENTITY,
                  0,
                  fields.text("idskip").equals("1")),
              input);
      default -> throw new SextantException(where + ": type '" + type + "' is unknown");
    }
  }

  static Shape input(LatencyFields fields) {
    return Shape.of(1, fields.size("in_h"), fields.size("in_w"), fields.size("in_c"));
  }

  private static Entry entry(LatencyFields fields) {
    double mean = fields.number("mean_ms");
    return LatencyFiles.entry(fields.where(), mean, mean, fields.whole("count"));
  }

  /** Adds a layer that gives the image which the row says. */
  static void putImage(
      SequencedMap<Key, Entry> entries, LatencyFields fields, Layer layer, Shape input) {
    Shape output = Shape.of(1, fields.size("out_h"), fields.size("out_w"), fields.size("out_c"));
    Shape given = layer.output(input);
    if (!given.equals(output)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %s gives %s and not %s",
              fields.where(),
              layer.label(),
              given,
              output));
    }
    LatencyFiles.putOnce(entries, fields.where(), new Key(layer, input), entry(fields));
  }
}
