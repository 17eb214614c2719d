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
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Latency tables on disk, for a reader to read and edit.
 *
 * <ul>
 *   <li>JSON, {@code "format": "sextant-latency/1"}: setting, calibration and one object an entry.
 *   <li>CSV with the columns of {@link #COLUMNS}; a first comment line holds setting and
 *       calibration.
 *   <li>The JSON of Single-Path NAS's Pixel-1 runtimes (blocks 0 to 21 of its space), read only.
 *   <li>The CSV of ProxylessNAS's Pixel-1 table (columns {@code type, in_h, …, idskip, mean_ms,
 *       var, count}), read only.
 * </ul>
 */
public final class LatencyFiles {
  /** The columns of a table as CSV, in order. */
  public static final List<String> COLUMNS =
      List.of(
          "op",
          "in_h",
          "in_w",
          "in_c",
          "out_h",
          "out_w",
          "out_c",
          "expand",
          "kernel",
          "stride",
          "dilation",
          "squeeze_excite",
          "activation",
          "residual",
          "ms",
          "p90_ms",
          "count");

  private static final String FORMAT = "sextant-latency/1";

  private LatencyFiles() {}

  /**
   * Reads a table; the name's ending says which format.
   *
   * @throws SextantException naming the file, the line or field, and what is wrong with it
   */
  public static LatencyTable read(Path file) {
    String text = JsonText.readFile(file);
    if (!file.toString().endsWith(".csv")) {
      JsonObject root = JsonText.parse(text, file.toString());
      return named(file, () -> parseJson(root));
    }
    return named(file, () -> parseCsv(text, file));
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

  /** Writes a table atomically; {@code .csv} as CSV, anything else as JSON. */
  public static void write(LatencyTable table, Path file) {
    String text = file.toString().endsWith(".csv") ? csv(table) : json(table);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(bytes)));
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
    root.addProperty("overhead_ms", table.overheadMs());
    root.addProperty("scale", table.scale());
    return root;
  }

  private static JsonObject row(Key key, Entry entry) {
    JsonObject row = new JsonObject();
    row.addProperty("op", key.op());
    row.addProperty("in_h", key.inHeight());
    row.addProperty("in_w", key.inWidth());
    row.addProperty("in_c", key.inChannels());
    row.addProperty("out_h", key.outHeight());
    row.addProperty("out_w", key.outWidth());
    row.addProperty("out_c", key.outChannels());
    row.addProperty("expand", key.expand());
    row.addProperty("kernel", key.kernel());
    row.addProperty("stride", key.stride());
    row.addProperty("dilation", key.dilation());
    row.addProperty("squeeze_excite", key.squeezeExcite());
    row.addProperty("activation", key.activation());
    row.addProperty("residual", key.residual());
    row.addProperty("ms", entry.ms());
    row.addProperty("p90_ms", entry.p90Ms());
    row.addProperty("count", entry.count());
    return row;
  }

  private static LatencyTable parseJson(JsonObject root) {
    if (SinglePathTable.is(root)) {
      return SinglePathTable.parse(root);
    }
    if (!root.has("format") || !root.get("format").getAsString().equals(FORMAT)) {
      throw new SextantException("format: is not \"" + FORMAT + "\"");
    }
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    int i = 0;
    for (JsonElement element : field(root, "entries").getAsJsonArray()) {
      String where = "entries[" + i++ + "]";
      if (!(element instanceof JsonObject row)) {
        throw new SextantException(where + ": is not an object");
      }
      put(entries, new ObjectFields(where, row));
    }
    return table(root, entries);
  }

  private static LatencyTable table(JsonObject root, SequencedMap<Key, Entry> entries) {
    Setting setting =
        new Setting(
            field(root, "machine").getAsString(),
            field(root, "runtime").getAsString(),
            field(root, "device").getAsString(),
            number(root, "threads").intValue(),
            number(root, "batch").intValue());
    return new LatencyTable(
        setting,
        number(root, "overhead_ms").doubleValue(),
        number(root, "scale").doubleValue(),
        entries);
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
              writer.writeRecord(
                  COLUMNS.stream().map(column -> row.get(column).getAsString()).toList());
            });
    return text.toString();
  }

  private static LatencyTable parseCsv(String text, Path file) {
    CsvTable csv = CsvTable.parse(text);
    SequencedMap<Key, Entry> entries = rows(csv);
    if (!csv.comment().isEmpty()) {
      return table(JsonText.parse(csv.comment(), "line 1"), entries);
    }
    String machine = String.valueOf(file.getFileName());
    return new LatencyTable(new Setting(machine, "imported", "unknown", 1, 1), 0, 1, entries);
  }

  private static SequencedMap<Key, Entry> rows(CsvTable csv) {
    boolean pixel = !csv.header().isEmpty() && csv.header().getFirst().equals("type");
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    for (CsvTable.Row row : csv.rows()) {
      if (pixel) {
        putPixel(entries, new RowFields(row));
      } else {
        put(entries, new RowFields(row));
      }
    }
    if (entries.isEmpty()) {
      throw new SextantException("has no entries");
    }
    return entries;
  }

  /** One entry of a file, by the names of its values; what is wrong is said with its place. */
  private sealed interface Fields {
    String where();

    String text(String name);

    double number(String name);

    long whole(String name);

    boolean truth(String name);

    default int size(String name) {
      long size = whole(name);
      if (size != (int) size) {
        throw new SextantException("%s: %s: %d is too large".formatted(where(), name, size));
      }
      return (int) size;
    }
  }

  private record RowFields(CsvTable.Row row) implements Fields {
    @Override
    public String where() {
      return row.where();
    }

    @Override
    public String text(String name) {
      return row.text(name);
    }

    @Override
    public double number(String name) {
      return row.number(name);
    }

    @Override
    public long whole(String name) {
      return row.whole(name);
    }

    @Override
    public boolean truth(String name) {
      return row.truth(name);
    }
  }

  private record ObjectFields(String where, JsonObject object) implements Fields {
    @Override
    public String text(String name) {
      JsonElement value = object.get(name);
      if (value == null || !value.isJsonPrimitive()) {
        throw new SextantException(
            "%s.%s: %s".formatted(where, name, value == null ? "is missing" : "is no value"));
      }
      return value.getAsString();
    }

    @Override
    public double number(String name) {
      try {
        return Double.parseDouble(text(name));
      } catch (NumberFormatException e) {
        throw wrong(name, "not a number", e);
      }
    }

    @Override
    public long whole(String name) {
      try {
        return Long.parseLong(text(name));
      } catch (NumberFormatException e) {
        throw wrong(name, "not a whole number", e);
      }
    }

    @Override
    public boolean truth(String name) {
      return switch (text(name)) {
        case "true" -> true;
        case "false" -> false;
        default -> throw wrong(name, "neither true nor false", null);
      };
    }

    private SextantException wrong(String name, String what, @Nullable Throwable cause) {
      return new SextantException(
          "%s.%s: '%s' is %s".formatted(where, name, text(name), what), cause);
    }
  }

  private static void put(SequencedMap<Key, Entry> entries, Fields fields) {
    Key key =
        new Key(
            fields.text("op"),
            fields.size("in_h"),
            fields.size("in_w"),
            fields.size("in_c"),
            fields.size("out_h"),
            fields.size("out_w"),
            fields.size("out_c"),
            fields.size("expand"),
            fields.size("kernel"),
            fields.size("stride"),
            fields.size("dilation"),
            fields.number("squeeze_excite"),
            fields.text("activation"),
            fields.truth("residual"));
    Entry entry =
        entry(fields.where(), fields.number("ms"), fields.number("p90_ms"), fields.whole("count"));
    putOnce(entries, fields.where(), key, entry);
  }

  private static Entry entry(String where, double ms, double p90Ms, long count) {
    try {
      return new Entry(ms, p90Ms, count);
    } catch (SextantException e) {
      throw new SextantException(where + ": " + e.getMessage(), e);
    }
  }

  private static void putOnce(
      SequencedMap<Key, Entry> entries, String where, Key key, Entry entry) {
    if (entries.put(key, entry) != null) {
      throw new SextantException(where + ": a second entry for " + key);
    }
  }

  /**
   * A row of the Pixel-1 table: Conv is the 3x3 stem of stride 2, Conv_1 the 1x1 head, Logits the
   * pooling and the classifier together, expanded_conv an MBConv.
   */
  private static void putPixel(SequencedMap<Key, Entry> entries, Fields fields) {
    String where = fields.where();
    String type = fields.text("type");
    int inHeight = fields.size("in_h");
    int inWidth = fields.size("in_w");
    int inChannels = fields.size("in_c");
    int outChannels = fields.size("out_c");
    double mean = fields.number("mean_ms");
    Entry entry = entry(where, mean, mean, fields.whole("count"));
    switch (type) {
      case "Logits" -> {
        putOnce(
            entries,
            where,
            pixel("global-avg-pool", inHeight, inWidth, inChannels, 1, 1, inChannels, 0, 0, 1),
            new Entry(0, 0, entry.count()));
        putOnce(
            entries, where, pixel("linear", 1, 1, inChannels, 1, 1, outChannels, 0, 0, 1), entry);
      }
      case "Conv", "Conv_1", "expanded_conv" -> {
        int outHeight = fields.size("out_h");
        int outWidth = fields.size("out_w");
        boolean block = type.equals("expanded_conv");
        int kernel = block ? fields.size("kernel") : type.equals("Conv") ? 3 : 1;
        int stride = block ? fields.size("stride") : inHeight / Math.max(1, outHeight);
        int expand = block ? fields.size("expand") : 0;
        boolean residual = block && fields.text("idskip").equals("1");
        Key key =
            new Key(
                block ? "mbconv" : "conv",
                inHeight,
                inWidth,
                inChannels,
                outHeight,
                outWidth,
                outChannels,
                expand,
                kernel,
                stride,
                1,
                0,
                "",
                residual);
        putOnce(entries, where, key, entry);
      }
      default -> throw new SextantException(where + ": type '" + type + "' is unknown");
    }
  }

  private static Key pixel(
      String op, int inH, int inW, int inC, int outH, int outW, int outC, int e, int k, int s) {
    return new Key(op, inH, inW, inC, outH, outW, outC, e, k, s, 1, 0, "", false);
  }
}
