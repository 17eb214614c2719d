package dev.sextant.nas.compare;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.FileName;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Methods beside one another: the same seeds, images, latency budget and time for each of them.
 *
 * <p>Every run is an ordinary run with a folder of its own, {@code METHOD-seedN}. How many epochs a
 * method has in the time is found before the first run, by timing its parts, and is the same for
 * all its seeds: so each run can be repeated, and continued after whatever ended it. What it took
 * in the end is in the table.
 *
 * <pre>
 * compare.json         plan, outcomes, table
 * compare.html         all of it drawn
 * latency-SPACE.json   the latency table that all runs begin with
 * METHOD-seedN/        a run
 * </pre>
 *
 * <p>Confined to one thread.
 */
public final class MethodComparison {
  private final Path directory;
  private final Plan plan;
  private final SequencedMap<String, String> failures = new LinkedHashMap<>();

  private MethodComparison(Path directory, Plan plan) {
    this.directory = directory;
    this.plan = plan;
  }

  /**
   * {@return whether a directory holds one}
   *
   * @param directory of the comparison
   */
  public static boolean isIn(Path directory) {
    return Files.isRegularFile(ComparisonFile.in(directory));
  }

  /**
   * Continues one.
   *
   * @param directory of the comparison
   * @return the comparison, with the runs that have ended
   * @throws SextantException if the directory holds none, or its file is damaged
   */
  public static MethodComparison read(Path directory) {
    return new MethodComparison(directory, ComparisonFile.read(directory));
  }

  /**
   * Times the methods and plans their runs; then makes the directory, with every run ready to
   * begin.
   *
   * @param directory of the comparison
   * @param asked the options it is asked for with, by name
   * @param entrants the methods and their settings
   * @param seconds of search and retraining, for each run
   * @param seeds runs of each method
   * @param data the images of every run
   * @param progress told of every step
   * @return the comparison, of which nothing has run yet
   * @throws SextantException if the time is too short for one epoch of search and one of training,
   *     saying the least; or if the directory cannot be made
   */
  public static MethodComparison plan(
      Path directory,
      SequencedMap<String, String> asked,
      List<Entrant> entrants,
      double seconds,
      int seeds,
      ImageDataset data,
      Progress progress) {
    RunDirectory.create(directory);
    for (Entrant entrant : entrants) {
      BudgetCheck.check(entrant.setup(), entrant.model());
    }
    List<PartSeconds> parts = new TimeProbe(data, progress, TimeProbe.ROUNDS).time(entrants);
    List<Plan.Planned> methods = new ArrayList<>();
    String slowest = "";
    double least = 0;
    for (int i = 0; i < entrants.size(); i++) {
      Entrant entrant = entrants.get(i);
      TimeShares shares =
          new TimeShares(
              parts.get(i),
              entrant.setup().config().architecture().delayEpochs(),
              entrant.isRandom());
      if (shares.least() > least) {
        least = shares.least();
        slowest = entrant.name();
      }
      if (shares.least() <= seconds) {
        RunLength length = shares.within(seconds);
        methods.add(
            new Plan.Planned(
                entrant.name(),
                entrant.setup().space().name(),
                entrant.isRandom(),
                parts.get(i),
                length,
                shares.seconds(length),
                entrant.isPrior()));
      }
    }
    if (methods.size() < entrants.size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "time: %s s is too short, %s takes %.0f s for one epoch of search and one of"
                  + " training",
              seconds,
              slowest,
              Math.ceil(least)));
    }
    var config = entrants.getFirst().setup().config();
    return begin(
        directory,
        new Plan(
            asked,
            entrants.getFirst().setup().dataSource(),
            config.budget().cost(),
            config.budget().ceiling(),
            seconds,
            seeds,
            methods),
        entrants);
  }

  /** Makes the directory of a plan for these entrants, method by method. */
  static MethodComparison begin(Path directory, Plan plan, List<Entrant> entrants) {
    MethodComparison comparison = new MethodComparison(directory, plan);
    comparison.begin(entrants);
    return comparison;
  }

  /** With {@code compare.json} a comparison is there: all of its runs are there before. */
  private void begin(List<Entrant> entrants) {
    new RunDirectory(directory)
        .begin(
            owner -> {
              try (owner) {
                for (int seed = 1; seed <= plan.seeds(); seed++) {
                  for (int i = 0; i < entrants.size(); i++) {
                    prepare(entrants.get(i), seed, plan.methods().get(i).length());
                  }
                }
                ComparisonFile.write(directory, standing());
              }
              return directory;
            });
  }

  private void prepare(Entrant entrant, int seed, RunLength length) {
    SearchSetup setup = entrant.setup();
    if (entrant.model() instanceof LatencyTable table) {
      LatencyFiles.write(
          table, directory.resolve("latency-" + FileName.of(setup.space().name()) + ".json"));
    }
    SearchRun.prepare(
        new RunDirectory(directory.resolve(Plan.folder(entrant.name(), seed))),
        setup.with(setup.config().withSeed(seed).withLength(length)),
        entrant.model());
  }

  /**
   * What was planned.
   *
   * @return the comparison, of which nothing has run yet
   */
  public Plan plan() {
    return plan;
  }

  /** {@return where its files are} */
  public Path directory() {
    return directory;
  }

  /** {@return the page that shows it} */
  public Path page() {
    return directory.resolve("compare.html");
  }

  /**
   * Runs what has not ended, seed by seed, so that the methods share good and bad hours of the
   * machine. A run that goes wrong is noted and the others go on; the next call tries it again.
   *
   * @param checkpointSeconds between checkpoints of a run
   * @param progress told of every step
   * @return how far each run has come
   * @throws SextantException if another process has the directory, or it cannot be written
   */
  public Standing run(double checkpointSeconds, Progress progress) {
    return new Sweep(List.of(this))
        .run(Cluster.HERE, checkpointSeconds, false, progress)
        .getFirst();
  }

  /** A run that has not ended: its folder, and what is said when it begins. */
  record Run(String folder, String title) {}

  /** The runs of a seed that have not ended. */
  List<Run> due(int seed) {
    List<Run> due = new ArrayList<>();
    for (int i = 0; seed <= plan.seeds() && i < plan.methods().size(); i++) {
      Plan.Planned method = plan.methods().get(i);
      if (!Files.exists(files(method, seed).result())) {
        String title =
            String.format(
                Locale.ROOT,
                "run %d of %d: %s, seed %d",
                (seed - 1) * plan.methods().size() + i + 1,
                plan.seeds() * plan.methods().size(),
                method.name(),
                seed);
        due.add(new Run(Plan.folder(method.name(), seed), title));
      }
    }
    return due;
  }

  void forgetFailures() {
    failures.clear();
  }

  /** Writes how things stand after a run has ended, or gone wrong. */
  void ended(String folder, @Nullable String failure) {
    if (failure != null) {
      failures.put(folder, failure);
    }
    write();
  }

  private RunDirectory files(Plan.Planned method, int seed) {
    return new RunDirectory(directory.resolve(Plan.folder(method.name(), seed)));
  }

  /**
   * Writes {@code compare.html} as things stand, while another process runs the comparison or not.
   *
   * @return how far each run has come
   */
  public Standing writePage() {
    Standing standing = standing();
    ComparisonPage.write(page(), standing, courses(standing));
    return standing;
  }

  private Map<String, List<AccuracyOverTime.Point>> courses(Standing standing) {
    Map<String, List<List<AccuracyOverTime.Point>>> runs = new LinkedHashMap<>();
    for (Standing.Outcome outcome : standing.outcomes()) {
      runs.computeIfAbsent(outcome.method(), _ -> new ArrayList<>())
          .add(
              AccuracyOverTime.of(
                  new RunDirectory(directory.resolve(outcome.folder())), outcome.testAccuracy()));
    }
    Map<String, List<AccuracyOverTime.Point>> means = new LinkedHashMap<>();
    runs.forEach((method, points) -> means.put(method, AccuracyOverTime.mean(points)));
    return means;
  }

  Standing write() {
    Standing standing = writePage();
    ComparisonFile.write(directory, standing);
    return standing;
  }

  private Standing standing() {
    List<Standing.Outcome> outcomes = new ArrayList<>();
    for (int seed = 1; seed <= plan.seeds(); seed++) {
      for (Plan.Planned method : plan.methods()) {
        RunDirectory files = files(method, seed);
        if (Files.exists(files.result())) {
          if (!Files.exists(files.report())) {
            // Ended between its result and its report.
            Report.write(files);
          }
          outcomes.add(
              ComparisonFile.outcome(files, method.name(), Plan.folder(method.name(), seed), seed));
        }
      }
    }
    List<Standing.Failure> wrong = new ArrayList<>();
    for (Map.Entry<String, String> failure : failures.entrySet()) {
      wrong.add(new Standing.Failure(failure.getKey(), failure.getValue()));
    }
    return new Standing(plan, outcomes, wrong);
  }
}
