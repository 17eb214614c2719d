package dev.sextant.cli;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Recipe.CostKind;
import dev.sextant.nas.method.Recipe.ObjectiveKind;
import dev.sextant.nas.method.Recipe.PolicyKind;
import dev.sextant.nas.method.Recipe.SupernetKind;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
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
  @Mixin private MeasurementOptions machine = new MeasurementOptions();
  @Mixin private SearchSettings settings = new SearchSettings();

  @Option(
      names = "--method",
      defaultValue = "proxyless-g",
      description =
          "a preset of the next four: proxyless-g or proxyless-r (ProxylessNAS, gradient or"
              + " REINFORCE form), tunas, single-path, la-darts or la-pc-darts (Latency-Aware"
              + " DARTS), random; default: ${DEFAULT-VALUE}")
  private Method method = Method.PROXYLESS_G;

  @Option(
      names = "--supernet",
      description =
          "how candidates hold weights: multi-path (each its own), collapsed (shared), superkernel"
              + " (inside the largest), cells (mixtures on edges) or partial-cells (the same on a"
              + " part of the channels)")
  private @Nullable SupernetKind supernet;

  @Option(
      names = "--policy",
      description =
          "who picks: gates, reinforce, gates-reinforce (both gradients), controller (TuNAS's"
              + " REINFORCE with warm-ups), thresholds (of a superkernel's parts), or darts"
              + " (gradient through mixtures); cells take darts, reinforce or controller")
  private @Nullable PolicyKind policy;

  @Option(
      names = "--cost",
      description =
          "latency (table of layers), linear (model of one space, --table FILE.csv), macs,"
              + " parameters, measured (latency of each sampled network), or predicted (latency of"
              + " cells by a trained predictor)")
  private @Nullable CostKind cost;

  @Option(
      names = "--objective",
      description =
          "losses add-linear: CE + lambda (E/T - 1); additive: CE + lambda E/T; add-log: CE +"
              + " lambda ln E; mul-log: CE (ln E / ln T)^lambda; rewards absolute: Q + lambda |E/T"
              + " - 1|, for gates, thresholds and darts with -CE as Q; soft: Q (E/T)^lambda; hard:"
              + " Q min((E/T)^lambda, 1)")
  private @Nullable ObjectiveKind objective;

  @Option(
      names = "--space",
      description =
          "name or JSON file of a search space; default: proxyless-small, with cells darts-small or"
              + " pc-darts-small")
  private @Nullable String space;

  @Option(
      names = "--budget",
      converter = BudgetConverter.class,
      description =
          "cost to meet, as in 1.5ms (latency) or 20M (counts); default: 40 %% up the space's"
              + " range")
  private BudgetConverter.@Nullable Budget budget;

  @Option(names = "--ceiling", description = "the budget may be undercut")
  private boolean ceiling;

  @Option(names = "--out", description = "directory of the run; default: runs/TIME")
  private @Nullable Path out;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--warmup-epochs",
      defaultValue = "3",
      description =
          "weight steps alone; TuNAS warms up operations and filters meanwhile; default:"
              + " ${DEFAULT-VALUE}")
  private int warmupEpochs;

  @Option(
      names = "--epochs",
      defaultValue = "6",
      description = "weight and architecture steps; default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(
      names = "--retrain-epochs",
      defaultValue = "8",
      description = "of the network found; default: ${DEFAULT-VALUE}")
  private int retrainEpochs;

  @Option(
      names = "--random-samples",
      defaultValue = "3",
      description =
          "networks of random search, which is the baseline (0 for none) or, with --method random,"
              + " the search; default: ${DEFAULT-VALUE}")
  private int randomSamples;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Override
  public void run() {
    ConsoleProgress progress = Terminal.progress();
    machine.device();
    SearchSpace chosen = space();
    Recipe recipe = recipe(chosen);
    recipe.checkSpace(chosen);
    settings.cells().checkUsed(recipe);
    RunDirectory directory = RunDirectory.create(out == null ? defaultDirectory() : out);
    ImageDataset images = data.open();
    progress.message("data      " + images);
    SearchSpace searched =
        chosen.withInput(
            new Architecture.Input(images.height(), images.width(), images.channels()),
            images.classes());
    CostModel model = machine.model(recipe.cost(), searched, settings.cells(), seed, progress);
    SearchRun.Range costs = SearchRun.costs(model, searched);
    CostUnit unit = model.unit();
    double asked =
        budget != null
            ? budget.in(unit)
            : costs.minimum() + DEFAULT_BUDGET * (costs.maximum() - costs.minimum());
    progress.message(
        "space     %s: %s networks, %s to %s; budget %s"
            .formatted(
                searched.name(),
                searched.size(),
                unit.format(costs.minimum()),
                unit.format(costs.maximum()),
                unit.format(asked)));
    RunLength effort = new RunLength(warmupEpochs, epochs, retrainEpochs, randomSamples);
    SearchSetup setup =
        machine.setup(data, searched, settings.config(recipe, asked, ceiling, seed, effort), model);
    SearchRun.check(setup, model);
    try (SearchRun run =
        SearchRun.start(directory, setup, model, images, checkpointSeconds, progress)) {
      Terminal.print(run.run(), setup.config(), directory);
    }
  }

  /** As asked for, at the size asked for, or the one that is for the supernet. */
  private SearchSpace space() {
    String name = space;
    if (name == null) {
      name =
          switch (supernet == null ? method.recipe().supernet() : supernet) {
            case CELLS -> "darts-small";
            case PARTIAL_CELLS -> "pc-darts-small";
            case MULTI_PATH, COLLAPSED, SUPERKERNEL, NONE -> "proxyless-small";
          };
    }
    return settings.cells().sized(Networks.space(name));
  }

  /** The method's preset, but for what was given another value. */
  private Recipe recipe(SearchSpace searched) {
    Recipe preset = method.recipe(searched);
    return new Recipe(
        method,
        supernet == null ? preset.supernet() : supernet,
        policy == null ? preset.policy() : policy,
        cost == null ? preset.cost() : cost,
        objective == null ? preset.objective() : objective);
  }

  private static Path defaultDirectory() {
    String time = LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    Path directory = Path.of("runs", time);
    for (int i = 2; Files.exists(directory); i++) {
      directory = Path.of("runs", time + "-" + i);
    }
    return directory;
  }
}
