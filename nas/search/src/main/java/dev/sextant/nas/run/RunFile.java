package dev.sextant.nas.run;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.sextant.nas.checkpoint.ConfigJson;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.VectorUnit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * {@code run.json}: what a run was asked to do, and so all that is needed to repeat it.
 *
 * @param directory of the run
 */
public record RunFile(RunDirectory directory) {
  private static final String FORMAT = "sextant-run/2";
  private static final String TRAINING_FORMAT = "sextant-training/2";

  /** Of formats whose files have no checksum, in the directory of the run neither. */
  private static final String UNSEALED = "/1";

  /** By how many workers the run is made, if it is more than one. */
  private static final String WORKERS = "workers";

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  private Path file() {
    return directory.run();
  }

  /**
   * Writes {@code run.json}.
   *
   * @param setup what the run was asked to do
   */
  public void write(SearchSetup setup) {
    JsonObject root = head(FORMAT, setup.dataSource(), setup.dataOptions(), setup.device());
    root.add("config", ConfigJson.write(setup.config()));
    root.addProperty("tableGiven", setup.tableGiven());
    root.addProperty("threads", setup.threads());
    root.addProperty("latencyThreads", setup.latencyThreads());
    root.addProperty("latencyBatch", setup.latencyBatch());
    root.add("space", JsonText.parse(setup.space().toJson(), setup.space().name()));
    writeSealed(root);
  }

  /**
   * Writes {@code run.json} of a training.
   *
   * @param setup what the run was asked to do
   */
  public void write(TrainingSetup setup) {
    JsonObject root =
        head(TRAINING_FORMAT, setup.dataSource(), setup.dataOptions(), setup.device());
    root.add("config", ConfigJson.write(setup.config()));
    root.addProperty("threads", setup.threads());
    root.add(
        "architecture", JsonText.parse(setup.architecture().toJson(), setup.architecture().name()));
    if (!setup.classNames().isEmpty()) {
      root.add("classes", GSON.toJsonTree(setup.classNames()));
    }
    if (setup.start() != null) {
      root.add("start", GSON.toJsonTree(setup.start()));
    }
    writeSealed(root);
  }

  /**
   * Says that the images of a run lie elsewhere now; everything else stays.
   *
   * @param source a folder, or {@code builtin}
   * @throws SextantException if there are none, or this is no run
   */
  public void moveData(String source) {
    Datasets.requireThere(source);
    JsonObject moved =
        read(
            root -> {
              root.addProperty("data", Datasets.absolute(source));
              return root;
            });
    try (Owner _ = Owner.of(directory.path())) {
      if (isSealed(moved)) {
        writeSealed(moved);
      } else {
        RunDirectory.write(file(), GSON.toJson(moved) + "\n");
      }
    }
  }

  /**
   * Says that a run that has not begun will be made by several workers, on whose number its bits
   * depend.
   *
   * @param workers at least 2
   * @throws SextantException if its batches cannot be shared alike by them
   */
  public void shareAmong(int workers) {
    JsonObject shared =
        read(
            root -> {
              int batch =
                  root.getAsJsonObject("config").getAsJsonObject("batches").get("size").getAsInt();
              if (workers < 2 || batch % workers != 0) {
                throw new SextantException(
                    String.format(
                        Locale.ROOT,
                        "workers: %d cannot share batches of %d images alike",
                        workers,
                        batch));
              }
              root.addProperty(WORKERS, workers);
              return root;
            });
    try (Owner _ = Owner.of(directory.path())) {
      writeSealed(shared);
    }
  }

  /** {@return by how many workers the run is made} */
  public int workers() {
    return read(root -> root.has(WORKERS) ? root.get(WORKERS).getAsInt() : 1);
  }

  /**
   * Checks that a run is continued by as many workers as it was begun by.
   *
   * @param workers that are to continue it
   * @throws SextantException if it was begun by another number
   */
  public void requireWorkers(int workers) {
    int begun = workers();
    if (begun != workers) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: was begun by %d workers, on which its bits depend, not %d (--master and"
                  + " --workers %d)",
              directory.path(),
              begun,
              workers,
              begun));
    }
  }

  /**
   * {@return the names of the classes of the run's images where these still lie: models that were
   * written before names were kept with them go by this} A path that is not absolute starts beside
   * the run.
   */
  public Optional<List<String>> classNames() {
    if (!Files.isRegularFile(file())) {
      return Optional.empty();
    }
    return read(
        root -> {
          Path run = directory.path().toAbsolutePath();
          return Datasets.classNames(
              run.resolveSibling(""),
              string(root, "data"),
              part(root, "dataOptions", json -> GSON.fromJson(json, DataOptions.class)));
        });
  }

  private static JsonObject head(
      String format, String dataSource, DataOptions dataOptions, Device device) {
    JsonObject root = new JsonObject();
    root.addProperty("format", format);
    root.addProperty("data", Datasets.absolute(dataSource));
    root.add("dataOptions", GSON.toJsonTree(dataOptions));
    root.addProperty("device", device.toString());
    // Results repeat bit for bit with vectors of the same width; 0 is scalar code.
    root.addProperty("vectorBits", VectorUnit.bits().orElse(0));
    return root;
  }

  /**
   * Says so where this JVM's vectors are not as wide as those that a run was begun with, so that it
   * will not end in the bits in which it would have ended without a stop.
   *
   * @param progress told of it, a line
   * @throws SextantException if this is no run
   */
  public void compareVectors(Progress progress) {
    int now = VectorUnit.bits().orElse(0);
    // Earlier versions did not say.
    int then = read(root -> root.has("vectorBits") ? root.get("vectorBits").getAsInt() : now);
    if (then != now) {
      progress.message(
          String.format(
              Locale.ROOT,
              "%s: begun with vectors of %d bits, continued with %d: the last bits of results will"
                  + " differ%s",
              directory.path(),
              then,
              now,
              then == 0
                  ? ""
                  : String.format(Locale.ROOT, " (SEXTANT_OPTS=-Dsextant.vector.bits=%d)", then)));
    }
  }

  /**
   * {@return whether the run trains one network rather than searches}
   *
   * @throws SextantException if this is no run, or its file is no JSON
   */
  public boolean isTraining() {
    return read(root -> isFormat(root, TRAINING_FORMAT));
  }

  /**
   * Reads {@code run.json} of a search back.
   *
   * @return what the search was asked to do
   * @throws SextantException if this is no run, or the file was changed into something else
   */
  public SearchSetup read() {
    return read(
        root -> {
          requireFormat(root, FORMAT);
          return new SearchSetup(
              string(root, "data"),
              part(root, "dataOptions", json -> GSON.fromJson(json, DataOptions.class)),
              SearchSpace.parse(field(root, "space").toString(), file() + ": space"),
              part(root, "config", ConfigJson::search),
              field(root, "tableGiven").getAsBoolean(),
              Device.parse(string(root, "device")),
              count(root, "threads", Backends.MOST_THREADS),
              count(root, "latencyThreads", Backends.MOST_THREADS),
              count(root, "latencyBatch", LatencyTable.MOST_IMAGES));
        });
  }

  /**
   * Reads {@code run.json} of a training back.
   *
   * @return what the training was asked to do
   * @throws SextantException as {@link #read} does
   */
  public TrainingSetup readTraining() {
    return read(
        root -> {
          requireFormat(root, TRAINING_FORMAT);
          return new TrainingSetup(
              string(root, "data"),
              part(root, "dataOptions", json -> GSON.fromJson(json, DataOptions.class)),
              Architecture.parse(field(root, "architecture").toString(), file() + ": architecture"),
              part(root, "config", ConfigJson::training),
              Device.parse(string(root, "device")),
              count(root, "threads", Backends.MOST_THREADS),
              root.has("classes") ? names(field(root, "classes").getAsJsonArray()) : List.of(),
              root.has("start")
                  ? part(root, "start", json -> GSON.fromJson(json, TrainingSetup.Start.class))
                  : null);
        });
  }

  private static List<String> names(JsonArray array) {
    List<String> names = new ArrayList<>();
    array.forEach(name -> names.add(name.getAsString()));
    return names;
  }

  /**
   * Checks that there is one.
   *
   * @throws SextantException if there is none
   */
  public void requireThere() {
    if (!Files.isRegularFile(file())) {
      throw new SextantException(
          directory.path()
              + (Files.exists(directory.path().resolve(Owner.FILE))
                  ? ": the run had not begun (run.json is missing); start it again"
                  : ": not the directory of a run (run.json is missing)"));
    }
  }

  private <T> T read(Function<JsonObject, T> reader) {
    requireThere();
    String text = JsonText.readFile(file());
    // Parsed twice: the strict reader says what is wrong, Gson's keeps all 64 bits of a seed.
    JsonText.parse(text, file().toString());
    JsonObject root = JsonParser.parseString(text).getAsJsonObject();
    try {
      if (isSealed(root)) {
        SealedJson.check(root, text, file().toString(), "");
      }
      return reader.apply(root);
    } catch (JsonParseException | UnsupportedOperationException | NumberFormatException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: damaged (%s)", file(), e.getMessage()), e);
    } catch (IllegalStateException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: damaged (%s)", file(), e.getMessage()), e);
    }
  }

  private int count(JsonObject root, String name, int most) {
    int count = field(root, name).getAsInt();
    if (count < 1 || count > most) {
      throw new IllegalStateException(
          String.format(Locale.ROOT, "%s: %d is not between 1 and %d", name, count, most));
    }
    return count;
  }

  private void writeSealed(JsonObject root) {
    RunDirectory.write(file(), SealedJson.write(root, json -> GSON.toJson(json) + "\n", ""));
  }

  /** That format, or the one before it. */
  private boolean isFormat(JsonObject root, String format) {
    String is = string(root, "format");
    return is.equals(format) || is.equals(format.replaceFirst("/.*", UNSEALED));
  }

  private boolean isSealed(JsonObject root) {
    return !string(root, "format").endsWith(UNSEALED);
  }

  /**
   * {@return whether every file of the run has a checksum} Those of earlier versions have none.
   *
   * @throws SextantException if this is no run
   */
  public boolean isSealed() {
    return read(this::isSealed);
  }

  /**
   * {@return the SHA-256 of what the run was asked to do, by which its checkpoints know it} Where
   * its images lie is left out.
   *
   * @throws SextantException if this is no run
   */
  public String identity() {
    return read(
        root -> {
          root.remove("data");
          root.remove(SealedJson.FIELD);
          return SealedJson.checksum(root.toString());
        });
  }

  private void requireFormat(JsonObject root, String format) {
    if (!isFormat(root, format)) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: format is not %s", file(), format));
    }
  }

  private JsonElement field(JsonObject root, String name) {
    JsonElement element = root.get(name);
    if (element == null || element.isJsonNull()) {
      throw new SextantException(String.format(Locale.ROOT, "%s: %s is missing", file(), name));
    }
    return element;
  }

  private String string(JsonObject root, String name) {
    return field(root, name).getAsString();
  }

  /** A record of settings; its own constructor checks the numbers, which Gson wraps. */
  private <T> T part(JsonObject root, String name, Function<JsonObject, T> reader) {
    try {
      return reader.apply(field(root, name).getAsJsonObject());
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s: %s", file(), name, cause.getMessage()), e);
    }
  }
}
