package dev.sextant.nas.report;

import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.report.RunRecord.Trained;
import dev.sextant.nas.run.RunDirectory;
import java.util.List;

/**
 * A run of a search in a line of a table; numbers that are not known yet are NaN.
 *
 * @param method how it searches, such as {@code gates in multi-path}
 * @param space the space's name
 * @param data where the images are from
 * @param seed of the run
 * @param budget in the unit of the search's cost
 * @param measuredMs of the network found
 * @param testAccuracy of the network found
 * @param randomAccuracy of the best of random search
 * @param stage it has come to, or empty before the first epoch
 * @param epochs that have ended, in all stages
 * @param allEpochs of the whole run
 */
public record RunSummary(
    String method,
    String space,
    String data,
    long seed,
    double budget,
    double measuredMs,
    double testAccuracy,
    double randomAccuracy,
    String stage,
    int epochs,
    int allEpochs) {
  /**
   * {@return the summary of a run, finished or not}
   *
   * @param directory of the run
   * @throws dev.sextant.tensor.SextantException if it holds no run, or a file of it is damaged
   */
  public static RunSummary read(RunDirectory directory) {
    RunRecord run = RunRecord.read(directory);
    SearchConfig config = run.setup().config();
    Trained found = run.found();
    Trained random = run.random();
    RunEvents events = run.events();
    int searched = config.weights().warmupEpochs() + config.weights().epochs();
    int samples = config.drawnNetworks();
    int all = config.retraining().epochs() * config.budget().each().size();
    if (!run.isRandom()) {
      all += searched + (samples > 0 ? searched + config.retraining().epochs() : 0);
    } else {
      all += searched;
    }
    int trained = events.trained().values().stream().mapToInt(List::size).sum();
    return new RunSummary(
        method(config.recipe()),
        run.setup().space().name(),
        run.setup().dataSource(),
        config.seed(),
        config.budget().cost(),
        found.measuredMs(),
        found.testAccuracy(),
        random == null ? Double.NaN : random.testAccuracy(),
        !events.trained().isEmpty()
            ? events.trained().lastEntry().getKey().text()
            : events.searched().isEmpty() ? "" : "search",
        events.searched().size() + trained,
        all);
  }

  private static String method(Recipe recipe) {
    return switch (recipe) {
      case Recipe.Random _ -> "random";
      case Recipe.Scored<?> scored -> "scores in " + scored.supernet().id();
      case Shrinking shrunk -> shrunk.method();
      case Recipe.InSupernet<?, ?> searched ->
          searched.policy().id() + " in " + searched.supernet().id();
    };
  }
}
