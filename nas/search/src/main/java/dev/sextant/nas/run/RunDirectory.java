package dev.sextant.nas.run;

import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.method.Recipe;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  public <T> T begin(Supplier<T> start) {
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

  public Path run() {
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
  public void writePrices(CostModel model) {
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
  public CostModel readPrices(Recipe.CostKind kind) {
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

  public Path checkpoint() {
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

  public static void write(Path file, String text) {
    AtomicFile.write(file, text);
  }
}
