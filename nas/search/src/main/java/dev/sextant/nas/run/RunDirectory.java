package dev.sextant.nas.run;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The files of a run.
 *
 * <pre>
 * run.json              everything needed to repeat it
 * latency.json          the latency table it uses, or
 * cost.csv              the linear cost model, where it is that, or
 * predictor.safetensors the latency predictor of cells, and
 * cells.csv             the measured networks of cells that it was trained on, or
 *                       what a cost from outside keeps
 * events.jsonl          what happened, one JSON object a line
 * checkpoint/           the state to resume from
 * architecture.json     the network found
 * weights.safetensors   its trained weights
 * architecture-2.json   that of a second budget, and its weights
 * scores.csv            the networks that a search by scores looked at
 * front.csv             the networks that it holds for the best at their costs
 * result.json           latencies and accuracies, that of random search beside them
 * report.html           all of this for a reader
 * </pre>
 *
 * @param path of the directory
 */
public record RunDirectory(Path path) {
  /**
   * {@return a directory for a new run; nothing is made before {@link #begin}, so that what is
   * found wrong until then leaves nothing behind}
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
          String.format(Locale.ROOT, "%s: cannot be made, %s is no directory", path, existing));
    }
    try {
      // Permissions do not tell: a superuser's hold for read-only and special file systems too.
      Files.delete(Files.createTempFile(existing, ".sextant-", null));
    } catch (IOException e) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: cannot be written, no permission for %s", path, existing));
    }
    return new RunDirectory(path);
  }

  /**
   * Makes the directory and starts a run in it; whatever the start throws, everything made is gone
   * again.
   *
   * @param <T> what the start gives
   * @param start makes the first files
   * @return what the start gave
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

  /** Deletes the directory of a run that did not begin, which was empty or absent before. */
  private void discard() {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // What stopped the run is what its user needs to hear.
    }
  }

  /** {@return what the run was asked to do: {@code run.json}} */
  public Path run() {
    return path.resolve("run.json");
  }

  /** {@return the latency table} */
  public Path latency() {
    return path.resolve(LatencyTable.FILE);
  }

  /** {@return the latency predictor of cells} */
  public Path predictor() {
    return path.resolve(PredictedLatency.FILE);
  }

  /** {@return the measured networks it was trained on} */
  public Path samples() {
    return path.resolve(PredictedLatency.SAMPLES_FILE);
  }

  /**
   * Keeps what the run's costs come from.
   *
   * @param model whose {@link CostModel#keep} is called
   */
  public void keepPrices(CostModel model) {
    model.keep(path);
  }

  /** {@return the events of the run, one JSON object a line} */
  public Path events() {
    return path.resolve("events.jsonl");
  }

  /** {@return the state to resume from: {@code checkpoint/state.safetensors}} */
  public Path checkpoint() {
    return path.resolve("checkpoint").resolve("state.safetensors");
  }

  /** {@return the network found} */
  public Path architecture() {
    return path.resolve("architecture.json");
  }

  /** {@return the weights of the network found} */
  public Path weights() {
    return path.resolve("weights.safetensors");
  }

  /**
   * {@return the network found for one of several budgets}
   *
   * @param budget counted from 1: the first is {@link #architecture()}
   */
  public Path architecture(int budget) {
    return budget == 1 ? architecture() : path.resolve("architecture-" + budget + ".json");
  }

  /**
   * {@return the weights of that network}
   *
   * @param budget counted from 1: the first is {@link #weights()}
   */
  public Path weights(int budget) {
    return budget == 1 ? weights() : path.resolve("weights-" + budget + ".safetensors");
  }

  /** {@return the networks that a search by scores looked at, with their scores} */
  public Path scores() {
    return path.resolve("scores.csv");
  }

  /** {@return the networks that it holds for the best at their costs} */
  public Path front() {
    return path.resolve("front.csv");
  }

  /** {@return the summary} */
  public Path result() {
    return path.resolve("result.json");
  }

  /** {@return the report} */
  public Path report() {
    return path.resolve("report.html");
  }

  /**
   * Writes a text, so that the file is there as a whole or not at all.
   *
   * @param file replaced if there is one
   * @param text in UTF-8
   * @throws dev.sextant.tensor.SextantException if it cannot be written
   */
  public static void write(Path file, String text) {
    AtomicFile.write(file, text);
  }
}
