package dev.sextant.nas.run;

import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The files of a run.
 *
 * <pre>
 * run.json              everything needed to repeat it; the last file that a start writes
 * latency.json          the latency table it uses, or
 * cost.csv              the linear cost model, where it is that, or
 * predictor.safetensors the latency predictor of cells, and
 * cells.csv             the measured networks of cells that it was trained on, or
 *                       what a cost from outside keeps
 * prices.json           the checksums of those, {@link Prices}
 * events.jsonl          what happened, one JSON object a line
 * checkpoint/           the state to resume from
 * start.safetensors     the weights that a training begins with which was given some
 * architecture.json     the network found
 * weights.safetensors   its trained weights
 * inherited.safetensors the weights that its training begins with, of those of the search, and
 * teacher.json          the network that it learns from, and
 * teacher.safetensors   that one's weights, where these were asked for
 * model.onnx            network and weights for other programs
 * architecture-2.json   that of a second budget, its weights and its model
 * scores.csv            the networks that a search by scores looked at
 * front.csv             the networks that it holds for the best at their costs
 * result.json           latencies and accuracies, that of random search beside them
 * evaluation.json       what the network found confuses, and how long it takes
 * report.html           all of this for a reader
 * owner.json            the process that may write here, an {@link Owner}; owner.lock is its lock
 * </pre>
 *
 * @param path of the directory
 */
public record RunDirectory(Path path) {
  /** What {@link AtomicFile} and the trial of {@link #create} leave if they are killed. */
  private static final Pattern TEMPORARY =
      Pattern.compile("\\..+\\.[0-9a-f]{16}-\\d+\\.tmp|\\.sextant-\\d+\\.tmp");

  /** What starts of runs, trainings and comparisons write before the file that ends them. */
  private static final Pattern BEGINNINGS =
      Pattern.compile(
          "latency(-.+)?\\.json|prices\\.json|\\.prices\\.tmp|cost\\.csv|predictor\\.safetensors|cells\\.csv|architecture\\.json|start\\.safetensors");

  /** Says that a directory holds a comparison. */
  public static final String COMPARISON = "compare.json";

  private static final String CHECKPOINTS = "checkpoint";

  /**
   * {@return a directory for a new run; nothing is made before {@link #begin}, so that what is
   * found wrong until then leaves nothing behind}
   *
   * <p>Besides one that is absent or empty, it may be one in which a process died before its run
   * had begun.
   *
   * @param path of the directory
   * @throws SextantException if it holds anything else, or could not be made
   */
  public static RunDirectory create(Path path) {
    RunDirectory directory = new RunDirectory(path);
    directory.requireFree();
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
      Files.deleteIfExists(Files.createTempFile(existing, ".sextant-", null));
    } catch (IOException e) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: cannot be written, no permission for %s", path, existing));
    }
    return directory;
  }

  private void requireFree() {
    List<Path> files = Folders.in(path);
    // Taken by a run that did not come to its first file.
    boolean owned = files.contains(path.resolve(Owner.FILE));
    if (!files.stream().allMatch(file -> isLeftover(file) || (owned && !isOfRun(file)))) {
      throw new SextantException(
          path + ": holds a run or other files already; resume it or give another --out");
    }
  }

  /** Whether a file is there only because a process died. */
  private static boolean isLeftover(Path file) {
    String name = String.valueOf(file.getFileName());
    return Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)
        ? name.equals(CHECKPOINTS) && Folders.in(file).stream().allMatch(RunDirectory::isLeftover)
        : name.equals(DirectoryLock.FILE) || TEMPORARY.matcher(name).matches();
  }

  /** Whether a run or a comparison that has begun has such a file. */
  private boolean isOfRun(Path file) {
    return List.of(
            run(),
            path.resolve(COMPARISON),
            path.resolve(CHECKPOINTS),
            events(),
            weights(),
            result())
        .contains(file);
  }

  /**
   * Makes the directory, takes it, and starts a run in it; whatever the start throws, everything
   * made is gone again. The file that says that there is a run has to be the last of the start's:
   * until then the directory is free for another start, if this process dies.
   *
   * @param <T> what the start gives
   * @param start makes the first files, and gives the directory back in the end
   * @return what the start gave
   * @throws SextantException if the directory cannot be made, or holds a run meanwhile, or if
   *     another process has it
   */
  public <T> T begin(Function<Owner, T> start) {
    requireFree();
    boolean there = Files.isDirectory(path);
    List<Path> before = Folders.in(path);
    try {
      Files.createDirectories(path.toAbsolutePath());
    } catch (IOException e) {
      throw AtomicFile.unwritable(path, e);
    }
    Owner owner = Owner.of(path);
    boolean begun = false;
    try {
      // Another process may have come between.
      requireFree();
      clear();
      T started = start.apply(owner);
      begun = true;
      return started;
    } finally {
      if (!begun) {
        owner.close();
        discard(before, there);
      }
    }
  }

  /** Deletes what a start that died has left. */
  private void clear() {
    for (Path file : Folders.in(path)) {
      boolean ours =
          BEGINNINGS.matcher(String.valueOf(file.getFileName())).matches()
              || Files.isRegularFile(file.resolve(Owner.FILE));
      if (ours || (isLeftover(file) && !file.endsWith(DirectoryLock.FILE))) {
        Folders.delete(file);
      }
    }
  }

  /** Deletes what a start has made that did not end. */
  private void discard(List<Path> before, boolean there) {
    List<Path> made = new ArrayList<>(Folders.in(path));
    made.removeAll(before);
    try {
      if (there) {
        made.forEach(Folders::delete);
      } else {
        Folders.delete(path);
      }
    } catch (SextantException e) {
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

  /** {@return what the run's costs come from} */
  public Prices prices() {
    return new Prices(path);
  }

  /**
   * Checks that {@code architecture.json} is that of a network.
   *
   * @param network the run's
   * @throws SextantException if it is missing, damaged or another's
   */
  public void requireArchitecture(Architecture network) {
    if (!Architecture.read(architecture()).equals(network)) {
      throw new SextantException(architecture() + ": is not the network of the run");
    }
  }

  /**
   * Checks that a file of weights has a checksum.
   *
   * @param file such as {@link #weights()}
   * @param checksum that of the run's weights
   * @throws SextantException if it is missing, damaged or another's
   */
  public static void requireWeights(Path file, String checksum) {
    if (!checksum.equals(Weights.read(file).metadata().get(Weights.CHECKSUM))) {
      throw new SextantException(file + ": are not the weights of the run");
    }
  }

  /** {@return the events of the run, one JSON object a line} */
  public Path events() {
    return path.resolve("events.jsonl");
  }

  /** {@return the state to resume from: {@code checkpoint/state.safetensors}} */
  public Path checkpoint() {
    return path.resolve(CHECKPOINTS).resolve("state.safetensors");
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

  /**
   * {@return the weights that its training begins with}
   *
   * @param budget counted from 1
   */
  public Path inherited(int budget) {
    return path.resolve(
        budget == 1 ? "inherited.safetensors" : "inherited-" + budget + ".safetensors");
  }

  /** {@return the network that trainings learn from} */
  public Path teacher() {
    return path.resolve("teacher.json");
  }

  /** {@return the weights of that network} */
  public Path teacherWeights() {
    return path.resolve("teacher.safetensors");
  }

  /** {@return the weights that the training of a given network begins with} */
  public Path start() {
    return path.resolve("start.safetensors");
  }

  /**
   * {@return a network with its weights for other programs}
   *
   * @param budget counted from 1
   */
  public Path onnx(int budget) {
    return path.resolve(budget == 1 ? "model.onnx" : "model-" + budget + ".onnx");
  }

  /** {@return the networks that a search by scores looked at, with their scores} */
  public Path scores() {
    return path.resolve("scores.csv");
  }

  /** {@return the networks that it holds for the best at their costs} */
  public Path front() {
    return path.resolve("front.csv");
  }

  /** {@return how the network found was judged: what it confuses, and how long it takes} */
  public Path evaluation() {
    return path.resolve("evaluation.json");
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
