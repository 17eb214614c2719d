package dev.sextant.nas.cost;

import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The tables of ProxylessNAS ({@code mobile_trim.yaml}) and of Once-for-All: a map from {@code
 * expanded_conv-input:112x112x16-output:56x56x24-expand:3-kernel:5-stride:2-idskip:0} and the like
 * to {@code mean}, {@code count} and what else was measured. Once-for-All's MobileNetV3 adds {@code
 * -se:0|1-hs:0|1} to a block, whose {@code expand} is then the expanded width and no ratio.
 *
 * <p>Read event by event: nothing is constructed, an alias is refused, and what nests deeper than
 * an entry too, so that no file takes more than its own length.
 */
final class YamlTable {
  /** Squeeze and excitation of Once-for-All's blocks has a quarter of the expanded width. */
  private static final double SQUEEZE = 0.25;

  private static final String SIZE = "(\\d{1,9})";

  private static final Pattern KEY =
      Pattern.compile(
          String.join(
              SIZE,
              "(\\w{1,64})-input:",
              "x",
              "x",
              "-output:(?:",
              "x",
              "x)?",
              "(?:-expand:",
              "-kernel:",
              "-stride:",
              "-idskip:([01])(?:-se:([01])-hs:([01]))?)?"));

  private static final List<String> NAMES =
      List.of(
          "type", "in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "expand", "kernel", "stride",
          "idskip", "se", "hs");

  private final Iterator<Event> events;
  private final SequencedMap<Key, Entry> entries = new LinkedHashMap<>();

  private YamlTable(String text) {
    LoadSettings settings = LoadSettings.builder().setCodePointLimit(Integer.MAX_VALUE).build();
    events = new Parse(settings).parseString(text).iterator();
  }

  /** The entries of a text; an error says in which line. */
  static SequencedMap<Key, Entry> entries(String text) {
    try {
      return new YamlTable(text).read();
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(Mark::getLine).orElse(0) + 1;
      throw new SextantException(
          String.format(Locale.ROOT, "line %d: no YAML (%s)", line, e.getProblem()), e);
    } catch (YamlEngineException e) {
      throw new SextantException("no YAML (" + e.getMessage() + ")", e);
    }
  }

  private SequencedMap<Key, Entry> read() {
    next(Event.ID.StreamStart);
    next(Event.ID.DocumentStart);
    next(Event.ID.MappingStart);
    for (Event event = events.next();
        event.getEventId() != Event.ID.MappingEnd;
        event = events.next()) {
      String key = scalar(event);
      String where = where(event);
      next(Event.ID.MappingStart);
      Map<String, String> values = new HashMap<>();
      for (Event name = events.next();
          name.getEventId() != Event.ID.MappingEnd;
          name = events.next()) {
        if (values.put(scalar(name), scalar(events.next())) != null) {
          throw new SextantException(where(name) + ": a name is given twice");
        }
      }
      put(where, key, values);
    }
    next(Event.ID.DocumentEnd);
    next(Event.ID.StreamEnd);
    return entries;
  }

  private void next(Event.ID id) {
    Event event = events.next();
    if (event.getEventId() != id) {
      throw misfit(event);
    }
  }

  private static String scalar(Event event) {
    if (event instanceof ScalarEvent scalar) {
      return scalar.getValue();
    }
    throw misfit(event);
  }

  private static SextantException misfit(Event event) {
    return new SextantException(
        where(event) + ": not a map from layers to their mean and count, each a plain value");
  }

  private static String where(Event event) {
    return "line " + (event.getStartMark().map(Mark::getLine).orElse(0) + 1);
  }

  private void put(String where, String key, Map<String, String> values) {
    Matcher parts = KEY.matcher(key);
    if (!parts.matches()) {
      throw new SextantException(
          where
              + ": not a layer as ProxylessNAS and Once-for-All name them, such as"
              + " Conv_1-input:7x7x320-output:7x7x1280");
    }
    Map<String, String> fields = new HashMap<>();
    for (int i = 0; i < NAMES.size(); i++) {
      if (parts.group(i + 1) != null) {
        fields.put(NAMES.get(i), parts.group(i + 1));
      }
    }
    String mean = values.get("mean");
    if (mean == null) {
      throw new SextantException(where + ": mean is missing");
    }
    fields.put("mean_ms", mean);
    fields.put("count", values.getOrDefault("count", "0"));
    LatencyFields row = new LatencyFields.OfNames(where, fields);
    try {
      if (fields.containsKey("hs")) {
        putBlock(row);
      } else {
        PixelTable.put(entries, row);
      }
    } catch (SextantException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(where) ? e : new SextantException(where + ": " + message, e);
    }
  }

  /** A block of MobileNetV3. The clamps that are no hswish cost the same. */
  private void putBlock(LatencyFields row) {
    Shape input = PixelTable.input(row);
    int expanded = row.size("expand");
    if (input.channels() == 0 || expanded % input.channels() != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "an expanded width of %d is no multiple of %d channels",
              expanded,
              input.channels()));
    }
    List<Activation> activations =
        row.text("hs").equals("1")
            ? List.of(Activation.HSWISH)
            : List.of(Activation.RELU, Activation.RELU6);
    for (Activation activation : activations) {
      MbConv block =
          new MbConv(
              row.size("kernel"),
              row.size("stride"),
              expanded / input.channels(),
              row.size("out_c"),
              activation,
              row.text("se").equals("1") ? SQUEEZE : 0,
              row.text("idskip").equals("1"));
      PixelTable.putImage(entries, row, block, input);
    }
  }
}
