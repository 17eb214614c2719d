package dev.sextant.nas.cost;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Supplier;

/**
 * Latency tables on disk, for a reader to read and edit.
 *
 * <ul>
 *   <li>JSON, {@code "format": "sextant-latency/2"}: setting (with {@code "percentile"} where
 *       latencies of networks are not medians), calibration, doubts about the measurement and one
 *       object an entry: the layer as architectures have it, its input as {@code 28x28x24}, and
 *       what was measured.
 *   <li>CSV with the columns of {@link #COLUMNS}; a first comment line holds setting and
 *       calibration.
 *   <li>Both in the first version, whose rows have a column for each number of a layer; read only.
 *   <li>The JSON of Single-Path NAS's Pixel-1 runtimes (blocks 0 to 21 of its space), read only.
 *   <li>The CSV of ProxylessNAS's Pixel-1 table (columns {@code type, in_h, …, idskip, mean_ms,
 *       var, count}), read only.
 *   <li>The YAML of ProxylessNAS's and Once-for-All's tables ({@code
 *       Conv_1-input:7x7x320-output:7x7x1280: {count: 982, mean: 3.1, var: 0.2}}), read only.
 * </ul>
 */
public final class LatencyFiles {
  /**
   * The columns of a table as CSV, in order: {@code layer} is the JSON object of the layer, {@code
   * input} its input, {@code older} the older input of a cell that has two.
   */
  public static final List<String> COLUMNS =
      List.of("layer", "input", "older", "ms", "p90_ms", "count");

  private static final String FORMAT = "sextant-latency/2";

  private static final String FIRST_FORMAT = "sextant-latency/1";

  private LatencyFiles() {}

  /**
   * Reads a table; the name's ending says which format.
   *
   * @param file {@code .csv} is CSV, {@code .yaml} or {@code .yml} YAML, anything else JSON
   * @return the table
   * @throws SextantException naming the file, the line or field, and what is wrong with it
   */
  public static LatencyTable read(Path file) {
    String text = JsonText.readFile(file);
    if (isYaml(file)) {
      return named(file, () -> imported(YamlTable.entries(text), file));
    }
    if (!file.toString().endsWith(".csv")) {
      JsonObject root = JsonText.parse(text, file.toString());
      return named(file, () -> parseJson(root));
    }
    return named(file, () -> parseCsv(text, file));
  }

  private static boolean isYaml(Path file) {
    return file.toString().endsWith(".yaml") || file.toString().endsWith(".yml");
  }

  /** Every error of a file begins with its name. */
  private static LatencyTable named(Path file, Supplier<LatencyTable> parser) {
    try {
      return parser.get();
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    } catch (JsonParseException
        | IllegalStateException
        | NumberFormatException
        | UnsupportedOperationException e) {
      throw new SextantException(file + ": not a latency table (" + e.getMessage() + ")", e);
    }
  }

  /**
   * Writes a table atomically; {@code .csv} as CSV, anything else as JSON.
   *
   * @param table what is written
   * @param file {@code .csv} is CSV, anything else JSON
   */
  public static void write(LatencyTable table, Path file) {
    String text = file.toString().endsWith(".csv") ? csv(table) : json(table);
    AtomicFile.write(file, text);
  }

  // ---- JSON

  static String json(LatencyTable table) {
    JsonObject root = setting(table);
    JsonArray entries = new JsonArray();
    table.entries().forEach((key, entry) -> entries.add(row(key, entry)));
    root.add("entries", entries);
    return new GsonBuilder().setPrettyPrinting().create().toJson(root) + "\n";
  }

  private static JsonObject setting(LatencyTable table) {
    Setting setting = table.setting();
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.addProperty("machine", setting.machine());
    root.addProperty("runtime", setting.runtime());
    root.addProperty("device", setting.device());
    root.addProperty("threads", setting.threads());
    root.addProperty("batch", setting.batch());
    if (setting.percentile() != Percentile.P50) {
      root.addProperty("percentile", setting.percentile().text());
    }
    root.addProperty("overhead_ms", table.overheadMs());
    root.addProperty("scale", table.scale());
    JsonArray doubts = new JsonArray();
    table.doubts().forEach(doubts::add);
    root.add("doubts", doubts);
    return root;
  }

  private static JsonObject row(Key key, Entry entry) {
    JsonObject row = new JsonObject();
    row.add("layer", LayerJson.write(key.layer(), key.input()));
    row.addProperty("input", Key.image(key.input()));
    List<Shape> inputs = key.layer().operations(key.input()).inputs();
    row.addProperty("older", inputs.size() > 1 ? Key.image(inputs.getFirst()) : "");
    row.addProperty("ms", entry.ms());
    row.addProperty("p90_ms", entry.p90Ms());
    row.addProperty("count", entry.count());
    return row;
  }

  private static LatencyTable parseJson(JsonObject root) {
    if (SinglePathTable.is(root)) {
      return SinglePathTable.parse(root);
    }
    String format = root.has("format") ? root.get("format").getAsString() : "";
    if (!format.equals(FORMAT) && !format.equals(FIRST_FORMAT)) {
      throw new SextantException("format: is not \"" + FORMAT + "\"");
    }
    Keys keys = format.equals(FORMAT) ? LatencyFiles::key : LatencyRows::key;
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    int i = 0;
    for (JsonElement element : field(root, "entries").getAsJsonArray()) {
      String where = "entries[" + i++ + "]";
      if (!(element instanceof JsonObject row)) {
        throw new SextantException(where + ": is not an object");
      }
      put(entries, new LatencyFields.OfObject(where, row), keys);
    }
    return table(root, entries);
  }

  private static LatencyTable table(JsonObject root, SequencedMap<Key, Entry> entries) {
    Setting setting =
        new Setting(
            field(root, "machine").getAsString(),
            field(root, "runtime").getAsString(),
            field(root, "device").getAsString(),
            count(root, "threads", Backends.MOST_THREADS),
            count(root, "batch", LatencyTable.MOST_IMAGES),
            root.has("percentile")
                ? Percentile.parse(field(root, "percentile").getAsString())
                : Percentile.P50);
    LatencyTable table =
        new LatencyTable(
            setting,
            number(root, "overhead_ms").doubleValue(),
            number(root, "scale").doubleValue(),
            entries);
    return table.withDoubts(root.has("doubts") ? doubts(root) : judged(table));
  }

  private static List<String> doubts(JsonObject root) {
    List<String> doubts = new ArrayList<>();
    for (JsonElement doubt : field(root, "doubts").getAsJsonArray()) {
      doubts.add(doubt.getAsJsonPrimitive().getAsString());
    }
    return doubts;
  }

  /** Tables of earlier versions were not judged when they were measured. */
  private static List<String> judged(LatencyTable table) {
    if (!table.setting().runtime().equals(LatencyProfiler.RUNTIME)) {
      return List.of();
    }
    List<String> doubts = new ArrayList<>(TableJudgement.doubts(table.entries()));
    String scale = TableJudgement.scaleDoubt(table.scale());
    if (scale != null) {
      doubts.add(scale);
    }
    return doubts;
  }

  private static int count(JsonObject object, String name, int most) {
    double count = number(object, name).doubleValue();
    if (!(count >= 1 && count <= most && count == Math.rint(count))) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s is not between 1 and %d", name, count, most));
    }
    return (int) count;
  }

  private static Number number(JsonObject object, String name) {
    JsonElement element = field(object, name);
    if (element instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsNumber();
    }
    throw new SextantException(name + ": is not a number");
  }

  private static JsonElement field(JsonObject object, String name) {
    JsonElement element = object.get(name);
    if (element == null || element.isJsonNull()) {
      throw new SextantException(name + ": is missing");
    }
    return element;
  }

  // ---- CSV

  static String csv(LatencyTable table) {
    StringWriter text = new StringWriter();
    // Unbuffered: there is nothing to close, and nothing is left behind.
    CsvWriter writer = CsvWriter.builder().bufferSize(0).build(text);
    writer.writeComment(setting(table).toString());
    writer.writeRecord(COLUMNS);
    table
        .entries()
        .forEach(
            (key, entry) -> {
              JsonObject row = row(key, entry);
              writer.writeRecord(COLUMNS.stream().map(column -> text(row.get(column))).toList());
            });
    return text.toString();
  }

  private static String text(JsonElement element) {
    return element.isJsonPrimitive() ? element.getAsString() : element.toString();
  }

  private static LatencyTable parseCsv(String text, Path file) {
    CsvTable csv = CsvTable.parse(text);
    SequencedMap<Key, Entry> entries = rows(csv);
    if (!csv.comment().isEmpty()) {
      return table(JsonText.parse(csv.comment(), "line 1"), entries);
    }
    return imported(entries, file);
  }

  /** A table that says nothing of where it was measured. */
  private static LatencyTable imported(SequencedMap<Key, Entry> entries, Path file) {
    if (entries.isEmpty()) {
      throw new SextantException("has no entries");
    }
    String machine = String.valueOf(file.getFileName());
    return new LatencyTable(new Setting(machine, "imported", "unknown", 1, 1), 0, 1, entries);
  }

  private static SequencedMap<Key, Entry> rows(CsvTable csv) {
    boolean pixel = !csv.header().isEmpty() && csv.header().getFirst().equals("type");
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    Keys keys = csv.header().contains("layer") ? LatencyFiles::key : LatencyRows::key;
    for (CsvTable.Row row : csv.rows()) {
      LatencyFields fields = new LatencyFields.OfRow(row);
      if (pixel) {
        PixelTable.put(entries, fields);
      } else {
        put(entries, fields, keys);
      }
    }
    if (entries.isEmpty()) {
      throw new SextantException("has no entries");
    }
    return entries;
  }

  /** How a row names a layer. */
  private interface Keys {
    Key of(LatencyFields fields);
  }

  private static void put(SequencedMap<Key, Entry> entries, LatencyFields fields, Keys keys) {
    Key key = keys.of(fields);
    Entry entry =
        entry(fields.where(), fields.number("ms"), fields.number("p90_ms"), fields.whole("count"));
    putOnce(entries, fields.where(), key, entry);
  }

  private static Key key(LatencyFields fields) {
    Shape input = image(fields.where(), fields.text("input"));
    String older = fields.text("older");
    JsonFields layer = JsonFields.parse(fields.text("layer"), fields.where() + ".layer");
    return new Key(
        LayerJson.read(layer, older.isEmpty() ? null : image(fields.where(), older), input)
            .getFirst(),
        input);
  }

  private static Shape image(String where, String text) {
    String[] extents = text.split("x", -1);
    if (extents.length != 1 && extents.length != 3) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: '%s' is no image and no vector", where, text));
    }
    int[] shape = new int[extents.length + 1];
    shape[0] = 1;
    for (int i = 0; i < extents.length; i++) {
      try {
        shape[i + 1] = Integer.parseInt(extents[i]);
      } catch (NumberFormatException e) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: '%s' is no image", where, text), e);
      }
    }
    try {
      return Shape.of(shape);
    } catch (SextantException e) {
      throw new SextantException(where + ": " + e.getMessage(), e);
    }
  }

  static Entry entry(String where, double ms, double p90Ms, long count) {
    try {
      return new Entry(ms, p90Ms, count);
    } catch (SextantException e) {
      throw new SextantException(where + ": " + e.getMessage(), e);
    }
  }

  static void putOnce(SequencedMap<Key, Entry> entries, String where, Key key, Entry entry) {
    if (entries.put(key, entry) != null) {
      throw new SextantException(where + ": a second entry for " + key);
    }
  }
}
