package dev.sextant.nas.search;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The files of a run.
 *
 * <pre>
 * run.json              everything needed to repeat it
 * latency.json          the latency table it uses, or
 * cost.csv              the linear cost model, where it is that, or
 * predictor.safetensors the latency predictor of cells, and
 * cells.csv             the measured networks of cells that it was trained on
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
  private static final String TRAINING_FORMAT = "sextant-training/1";
  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  /**
   * What a run was asked to do.
   *
   * @param dataSource a folder, or {@code builtin}
   * @param space with the input and classes of the data
   * @param tableGiven whether the latency table came from the user: then the network found depends
   *     on seed and table alone, and is not corrected by what it measures
   * @param threads of training
   * @param latencyThreads of inference where it is measured
   * @param latencyBatch images at once, there
   */
  public record Setup(
      String dataSource,
      DataOptions dataOptions,
      SearchSpace space,
      SearchConfig config,
      boolean tableGiven,
      Device device,
      int threads,
      int latencyThreads,
      int latencyBatch) {
    /** Checks that the space is what the recipe is for. */
    public Setup {
      config.recipe().checkSpace(space);
    }

    /** The same with other settings. */
    public Setup with(SearchConfig other) {
      return new Setup(
          dataSource,
          dataOptions,
          space,
          other,
          tableGiven,
          device,
          threads,
          latencyThreads,
          latencyBatch);
    }
  }

  /**
   * A directory for a new run; nothing is made before {@link #begin}, so that what is found wrong
   * until then leaves nothing behind.
   *
   * @throws SextantException if it exists and is not empty, or could not be made
   */
  public static RunDirectory create(Path path) {
    if (Files.isDirectory(path)) {
      try (var files = Files.list(path)) {
        if (files.findAny().isPresent()) {
          throw new SextantException(
              path + ": holds a run or other files already; resume it or give another --out");
        }
      } catch (IOException e) {
        throw AtomicFile.unwritable(path, e);
      }
    }
    Path existing = path.toAbsolutePath();
    while (existing.getParent() != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!Files.isDirectory(existing)) {
      throw new SextantException(
          "%s: cannot be made, %s is no directory".formatted(path, existing));
    }
    try {
      // Permissions do not tell: a superuser's hold for read-only and special file systems too.
      Files.delete(Files.createTempFile(existing, ".sextant-", null));
    } catch (IOException e) {
      throw new SextantException(
          "%s: cannot be written, no permission for %s".formatted(path, existing));
    }
    return new RunDirectory(path);
  }

  /**
   * Makes the directory and starts a run in it; whatever the start throws, everything made is gone
   * again.
   *
   * @throws SextantException if the directory cannot be made
   */
  <T> T begin(Supplier<T> start) {
    try {
      Files.createDirectories(checkpoint().toAbsolutePath().getParent());
    } catch (IOException e) {
      throw AtomicFile.unwritable(path, e);
    }
    boolean begun = false;
    try {
      T started = start.get();
      begun = true;
      return started;
    } finally {
      if (!begun) {
        discard();
      }
    }
  }

  /**
   * Deletes the files of a run that did not begin, and the directories if nothing else is there.
   */
  private void discard() {
    for (Path file :
        new Path[] {
          run(),
          latency(),
          linear(),
          predictor(),
          samples(),
          events(),
          architecture(),
          checkpoint().getParent(),
          path
        }) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        // What stopped the run is what its user needs to hear.
      }
    }
  }

  Path run() {
    return path.resolve("run.json");
  }

  /** The latency table. */
  public Path latency() {
    return path.resolve("latency.json");
  }

  private Path linear() {
    return path.resolve("cost.csv");
  }

  /** The latency predictor of cells. */
  public Path predictor() {
    return path.resolve("predictor.safetensors");
  }

  /** The measured networks it was trained on. */
  public Path samples() {
    return path.resolve("cells.csv");
  }

  /** Writes what the run's costs come from; counts need no file. */
  void writePrices(CostModel model) {
    switch (model) {
      case LatencyTable table -> LatencyFiles.write(table, latency());
      case LinearCost costs -> costs.write(linear());
      case PredictedLatency predicted -> {
        CellSamples samples = predicted.samples();
        if (samples != null && !Files.exists(samples())) {
          samples.write(samples());
        }
        predicted.write(predictor());
      }
      case Counts _ -> {}
    }
  }

  /**
   * Reads it back.
   *
   * @throws SextantException if the file is missing or damaged
   */
  CostModel readPrices(Recipe.CostKind kind) {
    return switch (kind) {
      case LATENCY, MEASURED -> LatencyFiles.read(latency());
      case LINEAR -> LinearCost.read(linear());
      case PREDICTED -> PredictedLatency.read(predictor());
      case MACS -> Counts.MACS;
      case PARAMETERS -> Counts.PARAMETERS;
    };
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
    JsonObject root = head(FORMAT, setup.dataSource, setup.dataOptions, setup.device);
    root.add("config", GSON.toJsonTree(setup.config));
    root.addProperty("tableGiven", setup.tableGiven);
    root.addProperty("threads", setup.threads);
    root.addProperty("latencyThreads", setup.latencyThreads);
    root.addProperty("latencyBatch", setup.latencyBatch);
    root.add("space", JsonText.parse(setup.space.toJson(), setup.space.name()));
    write(run(), GSON.toJson(root) + "\n");
  }

  /** Writes {@code run.json} of a training. */
  void write(TrainingRun.Setup setup) {
    JsonObject root =
        head(TRAINING_FORMAT, setup.dataSource(), setup.dataOptions(), setup.device());
    root.add("config", GSON.toJsonTree(setup.config()));
    root.addProperty("threads", setup.threads());
    root.add(
        "architecture", JsonText.parse(setup.architecture().toJson(), setup.architecture().name()));
    write(run(), GSON.toJson(root) + "\n");
  }

  private static JsonObject head(
      String format, String dataSource, DataOptions dataOptions, Device device) {
    JsonObject root = new JsonObject();
    root.addProperty("format", format);
    root.addProperty("data", Datasets.absolute(dataSource));
    root.add("dataOptions", GSON.toJsonTree(dataOptions));
    root.addProperty("device", device.toString());
    return root;
  }

  /**
   * Whether this is the directory of a {@link TrainingRun} rather than of a search.
   *
   * @throws SextantException if this is no run, or its file is no JSON
   */
  public boolean isTraining() {
    return read(root -> string(root, "format").equals(TRAINING_FORMAT));
  }

  /**
   * Reads {@code run.json} of a search back.
   *
   * @throws SextantException if this is no run, or the file was changed into something else
   */
  public Setup read() {
    return read(
        root -> {
          requireFormat(root, FORMAT);
          return new Setup(
              string(root, "data"),
              part(root, "dataOptions", DataOptions.class),
              SearchSpace.parse(field(root, "space").toString(), run() + ": space"),
              part(root, "config", SearchConfig.class),
              field(root, "tableGiven").getAsBoolean(),
              Device.parse(string(root, "device")),
              field(root, "threads").getAsInt(),
              field(root, "latencyThreads").getAsInt(),
              field(root, "latencyBatch").getAsInt());
        });
  }

  /**
   * Reads {@code run.json} of a training back.
   *
   * @throws SextantException as {@link #read} does
   */
  TrainingRun.Setup readTraining() {
    return read(
        root -> {
          requireFormat(root, TRAINING_FORMAT);
          return new TrainingRun.Setup(
              string(root, "data"),
              part(root, "dataOptions", DataOptions.class),
              Architecture.parse(field(root, "architecture").toString(), run() + ": architecture"),
              part(root, "config", TrainingConfig.class),
              Device.parse(string(root, "device")),
              field(root, "threads").getAsInt());
        });
  }

  private <T> T read(Function<JsonObject, T> reader) {
    if (!Files.isRegularFile(run())) {
      throw new SextantException(path + ": not the directory of a run (run.json is missing)");
    }
    String text = JsonText.readFile(run());
    // Parsed twice: the strict reader says what is wrong, Gson's keeps all 64 bits of a seed.
    JsonText.parse(text, run().toString());
    JsonObject root = JsonParser.parseString(text).getAsJsonObject();
    try {
      return reader.apply(root);
    } catch (JsonParseException | UnsupportedOperationException | NumberFormatException e) {
      throw new SextantException("%s: damaged (%s)".formatted(run(), e.getMessage()), e);
    } catch (IllegalStateException e) {
      throw new SextantException("%s: damaged (%s)".formatted(run(), e.getMessage()), e);
    }
  }

  private void requireFormat(JsonObject root, String format) {
    if (!string(root, "format").equals(format)) {
      throw new SextantException("%s: format is not %s".formatted(run(), format));
    }
  }

  private JsonElement field(JsonObject root, String name) {
    JsonElement element = root.get(name);
    if (element == null || element.isJsonNull()) {
      throw new SextantException("%s: %s is missing".formatted(run(), name));
    }
    return element;
  }

  private String string(JsonObject root, String name) {
    return field(root, name).getAsString();
  }

  /** A record of settings; its own constructor checks the numbers, which Gson wraps. */
  private <T> T part(JsonObject root, String name, Class<T> type) {
    try {
      return GSON.fromJson(field(root, name), type);
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new SextantException("%s: %s: %s".formatted(run(), name, cause.getMessage()), e);
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
