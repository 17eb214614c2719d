package dev.sextant.nas.report;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.StageName;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the files of a run hold so far.
 *
 * @param directory of the run
 * @param setup what was asked for
 * @param events what happened
 * @param table of latencies, or null if there is none yet
 * @param network found, or null while the search goes on
 * @param result {@code result.json}, or null before the end
 */
record RunRecord(
    RunDirectory directory,
    SearchSetup setup,
    RunEvents events,
    @Nullable LatencyTable table,
    @Nullable Architecture network,
    @Nullable RunJson result) {
  /**
   * A network and what became of it; what is not known is NaN.
   *
   * @param network or null where the run has not chosen it yet
   * @param seconds it took to find and train
   */
  record Trained(
      @Nullable Architecture network,
      double predictedCost,
      double measuredMs,
      double testAccuracy,
      double seconds) {}

  /**
   * Reads what there is.
   *
   * @throws SextantException naming the file that is damaged, or the directory if it holds no run
   */
  static RunRecord read(RunDirectory directory) {
    SearchSetup setup = new RunFile(directory).read();
    boolean sealed = new RunFile(directory).isSealed();
    if (sealed) {
      directory.prices().check();
    }
    Path architecture = directory.architecture();
    Architecture network = Files.exists(architecture) ? Architecture.read(architecture) : null;
    if (network != null && network.layers().size() != setup.space().layers()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d layers where the space of the run has %d positions",
              architecture,
              network.layers().size(),
              setup.space().layers()));
    }
    return new RunRecord(
        directory,
        setup,
        RunEvents.read(directory.events(), setup.space(), setup.config().randomSamples(), sealed),
        Files.exists(directory.latency()) ? LatencyFiles.read(directory.latency()) : null,
        network,
        Files.exists(directory.result()) ? RunJson.read(directory.result(), sealed) : null);
  }

  /** The network found for one of several budgets, counted from 1; null before there is one. */
  @Nullable Architecture network(int budget) {
    Path file = directory.architecture(budget);
    return Files.exists(file) ? Architecture.read(file) : null;
  }

  /** The network that the search found. */
  Trained found() {
    double seconds =
        result == null
            ? Double.NaN
            : (isRandom() ? sampleSeconds(result) : result.number("seconds.search"))
                + result.number("seconds.retrain");
    return trained(Contestant.FOUND, network, StageName.RETRAIN, seconds);
  }

  /** What the network found has of a limited cost; NaN before the run has ended. */
  double limited(String cost) {
    String field = Contestant.FOUND.key() + "." + SearchResult.LIMITED + cost;
    return result != null && result.has(field) ? result.number(field) : Double.NaN;
  }

  /**
   * The names of the classes; none of a run that has not ended, or was begun by a version before.
   */
  List<String> classNames() {
    return result == null || !result.has("classes") ? List.of() : result.strings("classes");
  }

  /** Whether the search is random search itself. */
  boolean isRandom() {
    return setup.config().recipe() instanceof Recipe.Random;
  }

  private static double sampleSeconds(RunJson result) {
    double seconds = 0;
    for (String field : result.object().keySet()) {
      if (field.startsWith("seconds.random-")) {
        seconds += result.number(field);
      }
    }
    return seconds;
  }

  /** The best network of random search, or null where the run has none or has not trained it. */
  @Nullable Trained random() {
    if (result == null) {
      return events.outcome(StageName.RANDOM_RETRAIN) == null
          ? null
          : trained(Contestant.BEST_OF_RANDOM, null, StageName.RANDOM_RETRAIN, Double.NaN);
    }
    if (!result.has("random.decisions") || isRandom()) {
      return null;
    }
    double seconds = sampleSeconds(result);
    Architecture architecture;
    try {
      architecture = setup.space().derive(result.integers("random.decisions"));
    } catch (SextantException e) {
      throw new SextantException(directory.result() + ": random.decisions: " + e.getMessage(), e);
    }
    return trained(Contestant.BEST_OF_RANDOM, architecture, StageName.RANDOM_RETRAIN, seconds);
  }

  /** The network that was shrunk, or null where none was given or it was not looked at yet. */
  @Nullable Trained original() {
    if (result == null || !result.has("original.testAccuracy")) {
      return null;
    }
    Architecture network = setup.space().derive(new int[setup.space().options().length]);
    return new Trained(
        network,
        result.number("original.predictedCost"),
        result.number("original.measuredMs"),
        result.number("original.testAccuracy"),
        Double.NaN);
  }

  private Trained trained(
      Contestant who, @Nullable Architecture architecture, StageName stage, double seconds) {
    if (result != null) {
      return new Trained(
          architecture,
          result.number(who.key() + ".predictedCost"),
          result.number(who.key() + ".measuredMs"),
          result.numberOrNaN(who.key() + ".testAccuracy"),
          seconds);
    }
    RunEvents.Outcome outcome = events.outcome(stage);
    return outcome == null
        ? new Trained(architecture, predicted(architecture), Double.NaN, Double.NaN, Double.NaN)
        : new Trained(
            architecture,
            outcome.predictedCost(),
            outcome.measuredMs(),
            outcome.testAccuracy(),
            Double.NaN);
  }

  private double predicted(@Nullable Architecture architecture) {
    if (architecture == null || table == null) {
      return Double.NaN;
    }
    try {
      return table.predict(architecture);
    } catch (SextantException e) {
      throw new SextantException(directory.latency() + ": " + e.getMessage(), e);
    }
  }

  /** Expected cost at the end of the search or, before it, of the last epoch. */
  double expectedCost() {
    return result != null ? result.numberOrNaN("expectedCost") : last(SearchEpoch::expectedCost);
  }

  /** The objective's trade-off, at the same time. */
  double lambda() {
    return result != null
        ? result.numberOrNaN(result.has("lambda") ? "lambda" : "strength")
        : last(SearchEpoch::lambda);
  }

  /** What the objective calls its trade-off. */
  String symbol() {
    return switch (setup.config().recipe()) {
      case Recipe.Random _, Recipe.Scored<?> _, Shrinking _ -> "–";
      case Recipe.InSupernet<?, ?> recipe -> recipe.objective().symbol();
    };
  }

  /** Most bytes of activations and workspace in a weight step. */
  double weightStepPeakBytes() {
    return result != null
        ? result.numberOrNaN("weightStepPeakBytes")
        : last(SearchEpoch::weightStepPeakBytes);
  }

  /** The same in an architecture step. */
  double architectureStepPeakBytes() {
    return result != null
        ? result.numberOrNaN("architectureStepPeakBytes")
        : last(SearchEpoch::architectureStepPeakBytes);
  }

  /** Whether the most probable network missed the budget and another was taken. */
  boolean constrained() {
    return result != null && result.has("constrained") && result.flag("constrained");
  }

  private double last(ToDoubleFunction<SearchEpoch> value) {
    return events.searched().isEmpty()
        ? Double.NaN
        : value.applyAsDouble(events.searched().getLast());
  }
}
