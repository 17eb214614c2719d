package dev.sextant.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Everything a run measured, in a file: what a baseline is, and what programs read.
 *
 * @param machine the machine's type; see {@link Machine}
 * @param threads of both engines
 * @param rows in the order of the table
 */
record Results(String machine, int threads, List<Row> rows) {
  private static final String FORMAT = "sextant-bench/1";

  /** Keeps the rows from changing. */
  Results {
    rows = List.copyOf(rows);
  }

  /** The results as JSON. */
  String toJson() {
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.addProperty("machine", machine);
    root.addProperty("threads", threads);
    JsonArray array = new JsonArray();
    for (Row row : rows) {
      JsonObject object = new JsonObject();
      object.addProperty("name", row.name());
      object.add("ours", json(row.ours()));
      Measured peer = row.peer();
      if (peer != null) {
        object.add("peer", json(peer));
        object.addProperty("ratio", row.ratio());
      }
      array.add(object);
    }
    root.add("rows", array);
    return JsonText.print(root);
  }

  private static JsonObject json(Measured measured) {
    JsonObject object = new JsonObject();
    object.addProperty("ms", measured.millis());
    object.addProperty("worstFork", measured.worstFork());
    object.addProperty("bytesPerStep", Math.round(measured.bytes()));
    JsonArray forks = new JsonArray();
    JsonArray neighbours = new JsonArray();
    for (Fork fork : measured.forks()) {
      forks.add(fork.millis());
      neighbours.add(fork.neighbours());
    }
    object.add("forksMs", forks);
    if (!Double.isNaN(measured.p99())) {
      JsonArray p99 = new JsonArray();
      measured.forks().forEach(fork -> p99.add(fork.p99()));
      object.add("p99Ms", p99);
    }
    object.add("neighbours", neighbours);
    return object;
  }

  /** Writes the JSON, making the folder where it is not there. */
  void write(Path file) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      AtomicFile.write(file, toJson());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws SextantException naming the file and what is wrong with it
   */
  static Results read(Path file) {
    JsonObject root = JsonText.parse(JsonText.readFile(file), file.toString());
    try {
      if (!root.get("format").getAsString().equals(FORMAT)) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: is not of format %s", file, FORMAT));
      }
      List<Row> rows = new ArrayList<>();
      for (JsonElement element : root.getAsJsonArray("rows")) {
        JsonObject row = element.getAsJsonObject();
        rows.add(
            new Row(
                row.get("name").getAsString(), measured(row.getAsJsonObject("ours")), peer(row)));
      }
      return new Results(root.get("machine").getAsString(), root.get("threads").getAsInt(), rows);
    } catch (NullPointerException
        | IllegalStateException
        | IndexOutOfBoundsException
        | UnsupportedOperationException e) {
      throw new SextantException(file + ": a field is missing or of the wrong type", e);
    }
  }

  private static @Nullable Measured peer(JsonObject row) {
    // Until inference had another it was called by its name.
    JsonObject peer = row.getAsJsonObject(row.has("libtorch") ? "libtorch" : "peer");
    return peer == null ? null : measured(peer);
  }

  private static Measured measured(JsonObject object) {
    double bytes = object.get("bytesPerStep").getAsDouble();
    List<Fork> forks = new ArrayList<>();
    JsonArray millis = object.getAsJsonArray("forksMs");
    JsonArray neighbours = object.getAsJsonArray("neighbours");
    JsonArray p99 = object.getAsJsonArray("p99Ms");
    for (int i = 0; i < millis.size(); i++) {
      forks.add(
          new Fork(
              millis.get(i).getAsDouble(),
              p99 == null ? Double.NaN : p99.get(i).getAsDouble(),
              bytes,
              neighbours.get(i).getAsDouble()));
    }
    return new Measured(forks);
  }
}
