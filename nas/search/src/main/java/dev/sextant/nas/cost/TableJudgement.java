package dev.sextant.nas.cost;

import com.google.gson.JsonObject;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.LayerJson;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Whether latencies that were measured on this machine can be true. The bounds are wide: a machine
 * with some other work passes, one on which latencies are several times too long now and then does
 * not.
 */
final class TableJudgement {
  /** How far the two least of several medians may be apart, divided by the least. */
  private static final double SPREAD = 0.3;

  /** How many times as long a layer may take as one that does all it does, and more. */
  private static final double OUT_OF_ORDER = 2;

  /** Milliseconds that mean nothing: two clock readings, a branch that went wrong. */
  private static final double NOTHING_MS = 0.003;

  /** Layers cost about as much within a network as alone. */
  private static final double LEAST_SCALE = 0.4;

  private static final double MOST_SCALE = 2.5;

  private TableJudgement() {}

  /** Whether two measurements of the same thing are too far apart. */
  static boolean isApart(double one, double other) {
    double least = Math.min(one, other);
    return Math.abs(one - other) > Math.max(SPREAD * least, NOTHING_MS);
  }

  /**
   * A layer that takes longer than one of its kind that computes no less and moves no fewer bytes.
   *
   * @param dearer the layer
   * @param larger the other one
   */
  record Misfit(Key dearer, Key larger) {}

  /** All misfits, each layer beside the cheapest that is larger; linear but for sorting. */
  static List<Misfit> misfits(SequencedMap<Key, Entry> entries) {
    Map<String, List<Sized>> kinds = new LinkedHashMap<>();
    entries.forEach(
        (key, entry) ->
            kinds
                .computeIfAbsent(kind(key), _ -> new ArrayList<>())
                .add(new Sized(key, entry.ms(), key.layer().macs(key.input()), bytes(key))));
    List<Misfit> misfits = new ArrayList<>();
    for (List<Sized> kind : kinds.values()) {
      kind.sort(
          (one, other) ->
              one.macs == other.macs
                  ? Long.compare(other.bytes, one.bytes)
                  : Long.compare(other.macs, one.macs));
      // Of all larger so far by multiply-adds: the cheapest of those of at least so many bytes.
      TreeMap<Long, Sized> cheapest = new TreeMap<>();
      for (Sized layer : kind) {
        Map.Entry<Long, Sized> larger = cheapest.ceilingEntry(layer.bytes);
        if (larger != null && layer.ms > OUT_OF_ORDER * larger.getValue().ms + NOTHING_MS) {
          misfits.add(new Misfit(layer.key, larger.getValue().key));
        }
        if (larger == null || larger.getValue().ms > layer.ms) {
          Map.Entry<Long, Sized> fewer;
          while ((fewer = cheapest.floorEntry(layer.bytes)) != null
              && fewer.getValue().ms >= layer.ms) {
            cheapest.remove(fewer.getKey());
          }
          cheapest.put(layer.bytes, layer);
        }
      }
    }
    return misfits;
  }

  private record Sized(Key key, double ms, long macs, long bytes) {}

  /**
   * All of a layer but its sizes, which alone may differ among those that are compared. A pointwise
   * convolution is a product, and much faster for what it computes than one with a window over the
   * three channels of an image.
   */
  private static String kind(Key key) {
    JsonObject layer = LayerJson.write(key.layer(), key.input());
    layer.addProperty("pointwise", key.layer() instanceof Conv conv && conv.kernel() == 1);
    for (String size : List.of("kernel", "expand", "out", Field.STRIDE)) {
      layer.remove(size);
    }
    return layer.toString();
  }

  private static long bytes(Key key) {
    long elements =
        (long) key.input().size()
            + key.layer().output(key.input()).size()
            + key.layer().parameters(key.input());
    return elements * Float.BYTES;
  }

  /** What is wrong with a scale, or null. */
  static @Nullable String scaleDoubt(double scale) {
    return scale >= LEAST_SCALE && scale <= MOST_SCALE
        ? null
        : String.format(
            Locale.ROOT,
            "scale %.3g: layers alone took %s times as long as within networks, which is not"
                + " between %s and %s",
            scale,
            String.format(Locale.ROOT, "%.3g", 1 / scale),
            1 / MOST_SCALE,
            1 / LEAST_SCALE);
  }

  /** A sentence for each entry that is out of order. */
  static List<String> doubts(SequencedMap<Key, Entry> entries) {
    Map<Key, String> doubts = new HashMap<>();
    List<String> sentences = new ArrayList<>();
    for (Misfit misfit : misfits(entries)) {
      String sentence =
          String.format(
              Locale.ROOT,
              "%s: %.4g ms, %s: %.4g ms, though it computes no less",
              misfit.dearer,
              ms(entries, misfit.dearer),
              misfit.larger,
              ms(entries, misfit.larger));
      if (doubts.put(misfit.dearer, sentence) == null) {
        sentences.add(sentence);
      }
    }
    return sentences;
  }

  private static double ms(SequencedMap<Key, Entry> entries, Key key) {
    Entry entry = entries.get(key);
    return entry == null ? Double.NaN : entry.ms();
  }
}
