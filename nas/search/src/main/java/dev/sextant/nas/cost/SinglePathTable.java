package dev.sextant.nas.cost;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * The runtime model of Single-Path NAS's released code: milliseconds on a Pixel 1 of the blocks 0
 * to 21 of its space, each {@code {"0": 3x3 e3, "1": 3x3 e6, "2": 5x5 e3, "3": 5x5 e6}}.
 *
 * <p>Blocks 1 to 20 are searched. All else of a network costs a constant in that code, which is the
 * overhead here, beside layers of 0 ms. Blocks of one shape, which the file has each, are averaged:
 * what a layer costs does not depend on where it stands.
 */
final class SinglePathTable {
  /** Stem, blocks 0 and 21, head and classifier. */
  private static final double REST_MS = 19.5999;

  private static final int SEARCHED = 20;
  private static final int[] KERNELS = {3, 3, 5, 5};
  private static final int[] EXPANSIONS = {3, 6, 3, 6};

  private SinglePathTable() {}

  /** Whether a file is one of these: its fields are the numbers of blocks. */
  static boolean is(JsonObject root) {
    return !root.has("format") && root.has("0") && root.has("21");
  }

  /** The table; throws what Gson does where something else stands than numbers. */
  static LatencyTable parse(JsonObject root) {
    Space space = Space.named("single-path-imagenet");
    Shape[] inputs = space.inputShapes();
    SequencedMap<Key, List<Double>> measured = new LinkedHashMap<>();
    int block = 0;
    for (int i = 0; i < inputs.length; i++) {
      if (space.positions().get(i) instanceof Position.Choice(List<Layer> candidates)) {
        JsonObject costs = block(root, ++block);
        for (Layer candidate : candidates) {
          if (candidate instanceof MbConv layer) {
            measured
                .computeIfAbsent(key(layer, inputs[i]), _ -> new ArrayList<>())
                .add(ms(costs, block, layer));
          }
        }
      } else {
        measured.put(key(space.positions().get(i).layers().getFirst(), inputs[i]), List.of(0.0));
      }
    }
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    measured.forEach(
        (key, all) -> {
          double mean = all.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
          entries.put(key, new Entry(mean, mean, all.size()));
        });
    return new LatencyTable(new Setting("Pixel 1", "TFLite", "cpu", 1, 1), REST_MS, 1, entries);
  }

  private static Key key(Layer layer, Shape input) {
    return new Key(layer, input).withoutActivation();
  }

  private static JsonObject block(JsonObject root, int block) {
    JsonElement costs = root.get(Integer.toString(block));
    if (!(costs instanceof JsonObject object)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%d: %s, of blocks 1 to %d",
              block,
              costs == null ? "is missing" : "is not an object",
              SEARCHED));
    }
    return object;
  }

  private static double ms(JsonObject costs, int block, MbConv layer) {
    int option = 0;
    while (KERNELS[option] != layer.kernel() || EXPANSIONS[option] != layer.expand()) {
      option++;
    }
    JsonElement ms = costs.get(Integer.toString(option));
    if (ms == null || !ms.isJsonPrimitive()) {
      throw new SextantException(String.format(Locale.ROOT, "%d.%d: is no number", block, option));
    }
    return ms.getAsDouble();
  }
}
