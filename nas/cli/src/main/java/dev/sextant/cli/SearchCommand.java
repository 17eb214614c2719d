package dev.sextant.cli;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.search.Method;
import dev.sextant.nas.search.Recipe;
import dev.sextant.nas.search.Recipe.CostKind;
import dev.sextant.nas.search.Recipe.ObjectiveKind;
import dev.sextant.nas.search.Recipe.PolicyKind;
import dev.sextant.nas.search.Recipe.SupernetKind;
import dev.sextant.nas.search.RunDirectory;
import dev.sextant.nas.search.SearchConfig;
import dev.sextant.nas.search.SearchConfig.WeightOptimizer;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

  private static final int CALIBRATION_NETWORKS = 8;

  @Mixin private DataSource data = new DataSource();

  @Option(
      names = "--method",
      defaultValue = "proxyless-g",
      description =
          "a preset of the next four: proxyless-g or proxyless-r (ProxylessNAS, gradient or"
              + " REINFORCE form), tunas, la-darts or la-pc-darts (Latency-Aware DARTS), random;"
              + " default: ${DEFAULT-VALUE}")
  private Method method = Method.PROXYLESS_G;

  @Option(
      names = "--supernet",
      description =
          "how candidates hold weights: multi-path (each its own), collapsed (shared), cells"
              + " (mixtures on edges) or partial-cells (the same on a part of the channels)")
  private @Nullable SupernetKind supernet;

  @Option(
      names = "--policy",
      description =
          "who picks: gates, reinforce, gates-reinforce (both gradients), controller (TuNAS's"
              + " REINFORCE with warm-ups), or darts (gradient through mixtures)")
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
          "losses add-linear: CE + lambda (E/T - 1); additive: CE + lambda E/T; mul-log: CE (ln E"
              + " / ln T)^lambda; rewards absolute: Q + lambda |E/T - 1|; soft: Q (E/T)^lambda;"
              + " hard: Q min((E/T)^lambda, 1)")
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

  @Option(
      names = "--table",
      description =
          "latency table (JSON or CSV) instead of measuring one, or the linear model (CSV), or what"
              + " `sextant predictor` wrote with --save (.csv) or --out (.safetensors); predictions"
              + " then stand")
  private @Nullable Path table;

  @Mixin private CellOptions cells = new CellOptions();

  @Option(names = "--out", description = "directory of the run; default: runs/TIME")
  private @Nullable Path out;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(names = "--threads", description = "of training; default: all processors")
  private int threads;

  @Option(
      names = "--latency-threads",
      defaultValue = "1",
      description = "of inference, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyThreads;

  @Option(
      names = "--latency-batch",
      defaultValue = "1",
      description = "images at once, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyBatch;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu or cuda; default: ${DEFAULT-VALUE}")
  private String device = "";

  @Option(names = "--batch", defaultValue = "32", description = "default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--validation-fraction",
      defaultValue = "0.2",
      description = "of the training images, for architecture steps; default: ${DEFAULT-VALUE}")
  private double validationFraction;

  @Option(
      names = "--warmup-epochs",
      defaultValue = "3",
      description =
          "weight steps alone; TuNAS warms up operations and filters meanwhile; default:"
              + " ${DEFAULT-VALUE}")
  private int warmupEpochs;

  @Option(names = "--warmup-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double warmupRate;

  @Option(
      names = "--epochs",
      defaultValue = "6",
      description = "weight and architecture steps; default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(names = "--rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double rate;

  @Option(
      names = "--one-cosine",
      negatable = true,
      description =
          "one cosine of --rate through warm-up and search, after linear growth in the first 2.5"
              + " %% of the steps; default: with --policy controller")
  private @Nullable Boolean oneCosine;

  @Option(
      names = "--optimizer",
      defaultValue = "sgd",
      description = "of the supernet's weights, sgd or rmsprop; default: ${DEFAULT-VALUE}")
  private WeightOptimizer optimizer = WeightOptimizer.SGD;

  @Option(
      names = "--quiet-epochs",
      defaultValue = "0",
      description = "of those, without architecture steps at first; default: ${DEFAULT-VALUE}")
  private int quietEpochs;

  @Option(
      names = "--architecture-interval",
      defaultValue = "2",
      description = "weight steps to one architecture step; default: ${DEFAULT-VALUE}")
  private int architectureInterval;

  @Option(
      names = "--architecture-rate",
      defaultValue = "0.02",
      description = "Adam's rate of the architecture parameters; default: ${DEFAULT-VALUE}")
  private double architectureRate;

  @Option(
      names = "--architecture-growth",
      description =
          "how many times that rate it is at the end; default: 10 with --policy controller, else 1")
  private @Nullable Double architectureGrowth;

  @Option(
      names = "--samples",
      description =
          "networks in one step of REINFORCE, default 4, or in one estimate of predicted latency,"
              + " default 20")
  private @Nullable Integer samples;

  @Option(
      names = "--gates",
      defaultValue = "recompute",
      description = "recompute, two-path or all-paths; default: ${DEFAULT-VALUE}")
  private GateMode gates = GateMode.RECOMPUTE;

  @Option(
      names = "--lambda",
      description =
          "trade-off of the objective: of a loss to start from, default 0.2; of a reward to keep,"
              + " default -0.1")
  private @Nullable Double strength;

  @Option(
      names = "--fixed-lambda",
      description = "keep lambda, instead of controlling it to meet the budget")
  private boolean fixedStrength;

  @Option(
      names = "--weight-decay",
      defaultValue = "4e-5",
      description = "default: ${DEFAULT-VALUE}")
  private double weightDecay;

  @Option(names = "--momentum", defaultValue = "0.9", description = "default: ${DEFAULT-VALUE}")
  private double momentum;

  @Option(
      names = "--label-smoothing",
      defaultValue = "0.1",
      description = "default: ${DEFAULT-VALUE}")
  private double labelSmoothing;

  @Option(
      names = "--augmentation",
      defaultValue = "light",
      description = "none, light, cifar or imagenet; default: ${DEFAULT-VALUE}")
  private String augmentation = "";

  @Option(
      names = "--retrain-epochs",
      defaultValue = "8",
      description = "of the network found; default: ${DEFAULT-VALUE}")
  private int retrainEpochs;

  @Option(names = "--retrain-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double retrainRate;

  @Option(names = "--inherit-weights", description = "retrain from the supernet's weights")
  private boolean inheritWeights;

  @Option(names = "--dropout", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private double dropout;

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
    Device target = Device.parse(device);
    SearchSpace chosen = space();
    Recipe recipe = recipe(chosen);
    recipe.checkSpace(chosen);
    RunDirectory directory = RunDirectory.create(out == null ? defaultDirectory() : out);
    ImageDataset images = data.open();
    progress.message("data      " + images);
    SearchSpace searched =
        chosen.withInput(
            new Architecture.Input(images.height(), images.width(), images.channels()),
            images.classes());
    CostModel model = model(recipe, target, searched, progress);
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
    boolean ofTable = model instanceof LatencyTable && table != null;
    LatencyTable.@Nullable Setting setting = ofTable ? ((LatencyTable) model).setting() : null;
    RunDirectory.Setup setup =
        new RunDirectory.Setup(
            data.source(),
            data.options(),
            searched,
            config(recipe, asked),
            table != null,
            target,
            threads > 0 ? threads : Runtime.getRuntime().availableProcessors(),
            setting == null ? latencyThreads : setting.threads(),
            setting == null ? latencyBatch : setting.batch());
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
            case MULTI_PATH, COLLAPSED, NONE -> "proxyless-small";
          };
    }
    return cells.sized(Networks.space(name));
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

  private CostModel model(
      Recipe recipe, Device target, SearchSpace searched, ConsoleProgress progress) {
    Path file = table;
    return switch (recipe.cost()) {
      case LATENCY, MEASURED ->
          file == null ? measured(target, (Space) searched, progress) : LatencyFiles.read(file);
      case PREDICTED -> {
        CellNetworkSpace networks = (CellNetworkSpace) searched;
        yield file == null
            ? cells.measured(networks, latencyThreads, latencyBatch, seed, progress)
            : cells.read(networks, file, seed);
      }
      case LINEAR -> {
        if (file == null) {
          throw new SextantException("cost linear: give the model's file, --table FILE.csv");
        }
        yield LinearCost.read(file);
      }
      case MACS -> Counts.MACS;
      case PARAMETERS -> Counts.PARAMETERS;
    };
  }

  private LatencyTable measured(Device target, Space searched, ConsoleProgress progress) {
    LatencyMeter meter = new LatencyMeter(0.02, Duration.ofMillis(150), Duration.ofMillis(100));
    LatencyProfiler profiler =
        new LatencyProfiler(
            new LatencyProfile(target, latencyThreads, meter),
            (done, total) -> progress.step("latency table", done, total, "measuring layers", 0));
    return profiler.measure(searched, latencyBatch, CALIBRATION_NETWORKS, seed);
  }

  private SearchConfig config(Recipe recipe, double asked) {
    boolean controlled = recipe.policy() == PolicyKind.CONTROLLER;
    return new SearchConfig(
        seed,
        recipe,
        batch,
        validationFraction,
        warmupEpochs,
        warmupRate,
        epochs,
        rate,
        oneCosine == null ? controlled : oneCosine,
        optimizer,
        quietEpochs,
        architectureInterval,
        architectureRate,
        architectureGrowth == null ? (controlled ? 10 : 1) : architectureGrowth,
        samples == null ? (recipe.policy() == PolicyKind.DARTS ? 20 : 4) : samples,
        gates,
        strength == null ? recipe.objective().defaultStrength() : strength,
        fixedStrength,
        weightDecay,
        momentum,
        labelSmoothing,
        augmentation,
        asked,
        ceiling,
        retrainEpochs,
        retrainRate,
        inheritWeights,
        dropout,
        cells.config(recipe),
        randomSamples);
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
