package dev.sextant.nas.search;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The files of a run.
 *
 * <pre>
 * run.json              everything needed to repeat it
 * latency.json          the latency table it uses
 * events.jsonl          what happened, one JSON object a line
 * checkpoint/           the state to resume from
 * architecture.json     the network found
 * weights.safetensors   its trained weights
 * result.json           latencies and accuracies, that of random search beside them
 * report.html           all of this for a reader
 * </pre>
 */
public record RunDirectory(Path path) {
  private static final String FORMAT = "sextant-run/1";
  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  /**
   * What a run was asked to do.
   *
   * @param dataSource a folder, or {@code builtin}
   * @param space with the input and classes of the data
   * @param tableGiven whether the latency table came from the user: then the network found depends
   *     on seed and table alone, and is not corrected by what it measures
   * @param threads of training; inference is measured with those of the table
   */
  public record Setup(
      String dataSource,
      DataOptions dataOptions,
      Space space,
      SearchConfig config,
      boolean tableGiven,
      Device device,
      int threads) {}

  /**
   * Makes an empty directory for a run.
   *
   * @throws SextantException if it exists and is not empty, or cannot be written
   */
  public static RunDirectory create(Path path) {
    try {
      Files.createDirectories(path.resolve("checkpoint"));
      try (var files = Files.list(path)) {
        if (files.anyMatch(file -> !file.endsWith("checkpoint"))) {
          throw new SextantException(
              path + ": holds a run or other files already; resume it or give another --out");
        }
      }
      if (!Files.isWritable(path)) {
        throw new SextantException(path + ": cannot be written");
      }
    } catch (IOException e) {
      throw new SextantException(path + ": cannot be written (" + e + ")", e);
    }
    return new RunDirectory(path);
  }

  Path run() {
    return path.resolve("run.json");
  }

  /** The latency table. */
  public Path latency() {
    return path.resolve("latency.json");
  }

  /** What happened. */
  public Path events() {
    return path.resolve("events.jsonl");
  }

  Path checkpoint() {
    return path.resolve("checkpoint").resolve("state.safetensors");
  }

  /** The network found. */
  public Path architecture() {
    return path.resolve("architecture.json");
  }

  /** Its weights. */
  public Path weights() {
    return path.resolve("weights.safetensors");
  }

  /** The summary. */
  public Path result() {
    return path.resolve("result.json");
  }

  /** The report. */
  public Path report() {
    return path.resolve("report.html");
  }

  /** Writes {@code run.json}. */
  void write(Setup setup) {
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.addProperty("data", setup.dataSource);
    root.add("dataOptions", GSON.toJsonTree(setup.dataOptions));
    root.add("config", GSON.toJsonTree(setup.config));
    root.addProperty("tableGiven", setup.tableGiven);
    root.addProperty("device", setup.device.toString());
    root.addProperty("threads", setup.threads);
    root.add("space", JsonParser.parseString(setup.space.toJson()));
    write(run(), GSON.toJson(root) + "\n");
  }

  /**
   * Reads {@code run.json} back.
   *
   * @throws SextantException if this is no run, or the file was changed into something else
   */
  public Setup read() {
    if (!Files.isRegularFile(run())) {
      throw new SextantException(path + ": not the directory of a run (run.json is missing)");
    }
    try {
      JsonObject root = JsonParser.parseString(Files.readString(run())).getAsJsonObject();
      if (!FORMAT.equals(root.get("format").getAsString())) {
        throw new SextantException(run() + ": format is not " + FORMAT);
      }
      return new Setup(
          root.get("data").getAsString(),
          GSON.fromJson(root.get("dataOptions"), DataOptions.class),
          Space.parse(root.get("space").toString(), run() + ": space"),
          GSON.fromJson(root.get("config"), SearchConfig.class),
          root.get("tableGiven").getAsBoolean(),
          Device.parse(root.get("device").getAsString()),
          root.get("threads").getAsInt());
    } catch (IOException e) {
      throw new SextantException(run() + ": cannot be read (" + e + ")", e);
    } catch (JsonParseException | IllegalStateException | NullPointerException e) {
      throw new SextantException(run() + ": damaged (" + e.getMessage() + ")", e);
    }
  }

  static void write(Path file, String text) {
    AtomicFile.write(
        file,
        channel -> {
          ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }
}
