package dev.sextant.cli;

import static java.util.Objects.requireNonNullElse;

import dev.sextant.cli.options.BudgetConverter;
import dev.sextant.cli.options.ClusterOptions;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.MeasurementOptions;
import dev.sextant.cli.options.RecipeOptions;
import dev.sextant.cli.options.SearchSettings;
import dev.sextant.cli.output.DryRun;
import dev.sextant.cli.output.Outcomes;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.detection.SceneSource;
import dev.sextant.nas.live.LivePage;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.SextantException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant search}. */
@Command(
    name = "search",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Searches a space for the most accurate network within a latency budget, trains it, and"
            + " compares it with random search. Without options: a complete search on built-in"
            + " images.")
final class SearchCommand implements Runnable {
  /** Where in the space's range of latencies the budget lies if none is given. */
  private static final double DEFAULT_BUDGET = 0.4;

  @Mixin private DataSource data = new DataSource();
  @Mixin private MeasurementOptions measurement = new MeasurementOptions();
  @Mixin private SearchSettings settings = new SearchSettings();

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Mixin private RecipeOptions parts = new RecipeOptions();

  @Mixin private OutputOptions output = new OutputOptions();

  /** What networks are searched for. */
  enum Task {
    /** The class of an image. */
    CLASSIFICATION("classification"),
    /** Objects in boxes. */
    DETECTION("detection");

    private final String id;

    Task(String id) {
      this.id = id;
    }

    /** As the command line has it. */
    @Override
    public String toString() {
      return id;
    }
  }

  @Option(
      names = "--task",
      description =
          "${COMPLETION-CANDIDATES}: of objects, where nothing else is said in the space"
              + " detection-small and on scenes:1000; default: that of the space")
  private @Nullable Task task;

  @Option(
      names = "--space",
      description =
          "name or JSON file of a search space; default: proxyless-small, with cells darts-small or"
              + " pc-darts-small")
  private @Nullable String space;

  @Option(
      names = "--budget",
      split = ",",
      converter = BudgetConverter.class,
      description =
          "cost to meet, as in 1.5ms (latency), 2ms@p99 (its 99th percentile) or 20M (counts),"
              + " with --method front several, as in 1ms,2ms; default: 40 %% up the space's range")
  private List<BudgetConverter.Budget> budgets = List.of();

  @Option(
      names = "--front",
      paramLabel = "N",
      description =
          "with --method front, the best networks at N costs, measured: front.csv; default: 0")
  private int front;

  @Option(names = "--ceiling", description = "the budget may be undercut")
  private boolean ceiling;

  @Option(names = "--out", description = "directory of the run; default: runs/TIME")
  private @Nullable Path out;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--warmup-epochs",
      description =
          "weight steps alone; TuNAS warms up operations and filters meanwhile; default: "
              + WeightSteps.WARMUP_EPOCHS
              + ", with --method front 0")
  private @Nullable Integer warmupEpochs;

  @Option(
      names = "--epochs",
      description =
          "weight and architecture steps; default: "
              + WeightSteps.EPOCHS
              + ", with --method front "
              + Recipe.Scored.EPOCHS)
  private @Nullable Integer epochs;

  @Option(
      names = "--retrain-epochs",
      description = "of the network found; default: " + Retraining.EPOCHS)
  private @Nullable Integer retrainEpochs;

  @Option(
      names = "--random-samples",
      description =
          "networks of random search, which is the baseline (0 for none) or, with --method random,"
              + " the search; default: "
              + SearchConfig.RANDOM_SAMPLES)
  private @Nullable Integer randomSamples;

  @Option(
      names = "--dry-run",
      description =
          "say what would be done, how long it takes here, by a short probe, and how much memory;"
              + " write nothing")
  private boolean dryRun;

  @Option(
      names = "--tensorboard",
      description = "write event files for TensorBoard into the run's directory")
  private boolean tensorBoard;

  @Option(
      names = "--mlflow",
      paramLabel = "URI",
      description = "tell a server of MLflow, as in http://127.0.0.1:5000")
  private @Nullable URI mlflow;

  @Option(
      names = "--live",
      description = "serve a page that shows the run while it goes on, on this machine's loopback")
  private boolean live;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Override
  public void run() {
    long began = System.nanoTime();
    Progress progress = output.progress();
    measurement.device();
    String name = task == Task.DETECTION ? "detection-small" : parts.space();
    SearchSpace chosen = settings.cells().sized(Networks.space(space == null ? name : space));
    if (task != null && chosen.detects() != (task == Task.DETECTION)) {
      throw new SextantException(
          String.format(Locale.ROOT, "task: %s is not what %s is for", task, chosen.name()));
    }
    if (chosen.detects()) {
      data.otherwise(SceneSource.DEFAULT);
    }
    Recipe recipe = parts.recipe(chosen);
    recipe.checkSpace(chosen);
    settings.checkUsed(recipe);
    RunDirectory directory = RunDirectory.create(out == null ? defaultDirectory() : out);
    ImageDataset images = data.open();
    progress.message("data      " + images);
    SearchSpace searched =
        chosen.withInput(
            new Architecture.Input(images.height(), images.width(), images.channels()),
            images.classes());
    Percentile percentile = BudgetConverter.percentile(budgets);
    CostModel model =
        measurement.model(
            recipe.cost(), searched, settings.cells(), data.others(), percentile, seed, progress);
    BudgetCheck.Range costs = BudgetCheck.costs(model, searched);
    CostUnit unit = model.unit();
    double asked =
        !budgets.isEmpty()
            ? budgets.getFirst().in(unit)
            : costs.minimum() + DEFAULT_BUDGET * (costs.maximum() - costs.minimum());
    progress.message(
        String.format(
            Locale.ROOT,
            "space     %s: %s networks, %s to %s; budget %s",
            searched.name(),
            searched.size(),
            unit.format(costs.minimum()),
            unit.format(costs.maximum()),
            unit.format(asked) + Budget.at(percentile)));
    SearchConfig config =
        settings
            .config(parts.method(), recipe, searched, asked, ceiling, data.others())
            .withSeed(seed);
    if (retrainEpochs != null && retrainEpochs == 0 && !config.retraining().inheritWeights()) {
      throw new SextantException(
          "retrain-epochs: 0 leaves the network found without training (--inherit-weights)");
    }
    List<Double> others = budgets.stream().skip(1).map(other -> other.in(unit)).toList();
    SearchSetup setup =
        measurement.setup(
            data,
            searched,
            config
                .withLength(length(config))
                .withBudget(config.budget().withFront(others, front).withPercentile(percentile)),
            model);
    BudgetCheck.check(setup, model);
    if (dryRun) {
      DryRun plan = DryRun.of(setup, model, images, (System.nanoTime() - began) * 1e-9, progress);
      output.outcome(plan.json(directory.path()), () -> plan.print(directory.path()));
      return;
    }
    if (cluster.isGiven(config.batches().size())) {
      SearchRun.prepare(directory, setup, model);
      cluster.share(directory);
      cluster.run(directory, checkpointSeconds, setup.threads(), false);
      Terminal.print(SearchRun.result(directory), setup.config(), directory);
      return;
    }
    if (!live) {
      search(directory, setup, model, images, progress);
      return;
    }
    try (LivePage page = LivePage.serve(directory.path(), 0, () -> System.exit(Main.INTERRUPTED))) {
      progress.message("live      " + page.address());
      search(directory, setup, model, images, Progress.both(progress, page.progress()));
    }
  }

  private void search(
      RunDirectory directory,
      SearchSetup setup,
      CostModel model,
      ImageDataset images,
      Progress progress) {
    try (SearchRun run =
        SearchRun.start(directory, setup, model, images, checkpointSeconds, progress)) {
      run.follow(tensorBoard, mlflow);
      SearchResult result = run.run();
      output.outcome(
          Outcomes.of(result, setup.config(), directory.path()),
          () -> Terminal.print(result, setup.config(), directory));
    }
  }

  /** How long the run goes on: as the method does, but for what was given. */
  private RunLength length(SearchConfig config) {
    return new RunLength(
        requireNonNullElse(warmupEpochs, config.weights().warmupEpochs()),
        requireNonNullElse(epochs, config.weights().epochs()),
        requireNonNullElse(retrainEpochs, config.retraining().epochs()),
        requireNonNullElse(randomSamples, config.randomSamples()));
  }

  private static Path defaultDirectory() {
    String time =
        LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT));
    Path directory = Path.of("runs", time);
    for (int i = 2; Files.exists(directory); i++) {
      directory = Path.of("runs", time + "-" + i);
    }
    return directory;
  }
}
