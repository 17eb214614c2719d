package dev.sextant.cli.options;

import static java.util.Objects.requireNonNullElse;

import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Limit;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The options that say how weights and decisions learn, however long they do. What is not given is
 * the method's.
 */
public final class SearchSettings {
  @Option(
      names = "--validation-fraction",
      description =
          "of the training images, for architecture steps and to tell how a search goes; default: "
              + SearchImages.VALIDATION_FRACTION)
  private @Nullable Double validationFraction;

  @Option(
      names = "--search-size",
      paramLabel = "PIXELS",
      description =
          "side of the images that the supernet sees; default: their own, with --method front half"
              + " of 32 and more")
  private @Nullable Integer searchSize;

  @Option(names = "--warmup-rate", description = "default: " + WeightSteps.RATE)
  private @Nullable Double warmupRate;

  @Option(names = "--rate", description = "default: " + WeightSteps.RATE)
  private @Nullable Double rate;

  @Option(
      names = "--one-cosine",
      negatable = true,
      description =
          "one cosine of --rate through warm-up and search, after linear growth in the first 2.5"
              + " %% of the steps; default: with --policy controller")
  private @Nullable Boolean oneCosine;

  @Option(
      names = "--optimizer",
      description = "of the supernet's weights, sgd or rmsprop; default: sgd")
  private WeightSteps.@Nullable Optimizer optimizer;

  @Option(
      names = "--quiet-epochs",
      description = "of those, without architecture steps at first; default: 0")
  private @Nullable Integer delayEpochs;

  @Option(
      names = "--architecture-interval",
      description =
          "weight steps to one architecture step; default: "
              + ArchitectureSteps.INTERVAL
              + "; thresholds learn in all")
  private @Nullable Integer architectureInterval;

  @Option(
      names = "--architecture-rate",
      description =
          "Adam's rate of the architecture parameters; default: "
              + ArchitectureSteps.THRESHOLD_RATE
              + " with --policy thresholds, else "
              + ArchitectureSteps.RATE)
  private @Nullable Double architectureRate;

  @Option(
      names = "--architecture-growth",
      description =
          "how many times that rate it is at the end; default: "
              + ArchitectureSteps.CONTROLLER_GROWTH
              + " with --policy controller, else 1")
  private @Nullable Double architectureGrowth;

  @Option(
      names = "--samples",
      description =
          "networks in one step of REINFORCE, default "
              + ArchitectureSteps.SAMPLES
              + ", scored with --method front, default "
              + Recipe.Scored.NETWORKS
              + ", or in one estimate of predicted latency, default "
              + ArchitectureSteps.CELL_SAMPLES)
  private @Nullable Integer samples;

  @Option(names = "--gates", description = "recompute, two-path or all-paths; default: recompute")
  private @Nullable GateMode gates;

  @Option(
      names = "--lambda",
      description =
          "trade-off of the objective: of a loss to start from, default 0.2; of a reward to keep,"
              + " default -0.1")
  private @Nullable Double lambda;

  @Option(
      names = "--fixed-lambda",
      description = "keep lambda, instead of controlling it to meet the budget")
  private boolean fixedLambda;

  @Option(
      names = "--max",
      paramLabel = "COST=VALUE",
      converter = LimitConverter.class,
      description =
          "what networks may have at most besides the budget, any number of times: parameters=3M,"
              + " macs=60M, memory=8MiB (of inference), latency=2ms@TABLE, or a cost from outside,"
              + " with the file that it needs behind an @")
  private List<Limit> limits = List.of();

  @Option(
      names = "--finalists",
      paramLabel = "N",
      description =
          "most probable networks within the budget of which the one with the least loss on"
              + " held-out images is taken, by the supernet's weights; default: 1, as published")
  private @Nullable Integer finalists;

  @Option(names = "--retrain-rate", description = "default: " + Retraining.RATE)
  private @Nullable Double retrainRate;

  @Option(
      names = "--inherit-weights",
      description = "train the network found from the supernet's weights on")
  private boolean inheritWeights;

  @Option(
      names = "--from-scratch",
      description = "train the network found from new weights, as published; the default")
  private boolean fromScratch;

  @Option(
      names = "--teacher-weight",
      paramLabel = "W",
      description =
          "of the logits of the supernet's best network, or its largest, whichever does better on"
              + " held-out images, in training the network found; labels have the rest; default: 0")
  private @Nullable Double teacherWeight;

  @Option(
      names = "--teacher-temperature",
      description =
          "that both networks' logits are divided by; default: " + TeacherConfig.TEMPERATURE)
  private @Nullable Double teacherTemperature;

  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private CellOptions cells = new CellOptions();

  /** {@return those of cells} */
  public CellOptions cells() {
    return cells;
  }

  /**
   * {@return the settings of a search}
   *
   * @param method whose numbers stand where no option is given
   * @param recipe the method's, but for what was given
   * @param space that is searched
   * @param cost the budget, in the unit of the recipe's cost
   * @param ceiling whether networks may cost less
   * @param options that were set of the recipe's parts
   */
  public SearchConfig config(
      Method method,
      Recipe recipe,
      SearchSpace space,
      double cost,
      boolean ceiling,
      Map<String, String> options) {
    SearchConfig own = method.config(recipe, cost);
    SearchConfig preset = space.detects() ? own.forDetection() : own;
    WeightSteps weights = preset.weights();
    ArchitectureSteps steps = preset.architecture();
    Budget budget = preset.budget();
    Retraining retraining = preset.retraining();
    // Of several methods compared, some may have no supernet.
    boolean keeps = !(recipe instanceof Recipe.Random);
    if (inheritWeights && fromScratch) {
      throw new SextantException("inherit-weights and from-scratch: it is one or the other");
    }
    SearchConfig config =
        preset
            .withImages(
                new SearchImages(
                    preset.images().share(),
                    requireNonNullElse(validationFraction, preset.images().validationFraction()),
                    requireNonNullElse(searchSize, preset.images().size())),
                training.batches(preset.batches()))
            .withWeights(
                weights
                    .withRates(
                        requireNonNullElse(warmupRate, weights.warmupRate()),
                        requireNonNullElse(rate, weights.rate()),
                        weights.lastRate())
                    .withOneCosine(requireNonNullElse(oneCosine, weights.oneCosine()))
                    .withOptimizer(requireNonNullElse(optimizer, weights.optimizer())),
                training.descent(preset.descent()))
            .withArchitecture(
                steps
                    .withDelayEpochs(requireNonNullElse(delayEpochs, steps.delayEpochs()))
                    .withInterval(requireNonNullElse(architectureInterval, steps.interval()))
                    .withRate(requireNonNullElse(architectureRate, steps.rate()))
                    .withGrowth(requireNonNullElse(architectureGrowth, steps.growth()))
                    .withSamples(requireNonNullElse(samples, steps.samples()))
                    .withGates(requireNonNullElse(gates, steps.gates())))
            .withBudget(
                budget
                    .withCeiling(ceiling || budget.ceiling())
                    .withLambda(
                        requireNonNullElse(lambda, budget.lambda()),
                        fixedLambda || budget.fixedLambda())
                    .withLimits(limits)
                    .withFinalists(finalists(recipe, budget)))
            .withRetraining(
                new Retraining(
                    retraining.epochs(),
                    requireNonNullElse(retrainRate, retraining.rate()),
                    keeps && !fromScratch && (inheritWeights || retraining.inheritWeights()),
                    training.regularization(retraining.regularization()),
                    keeps ? teacher(retraining.teacher()) : TeacherConfig.NONE));
    return options.isEmpty()
        ? cells.config(config)
        : cells.config(config).withOptions(merged(config, options));
  }

  /** Of several methods compared, some may have nothing to look at. */
  private int finalists(Recipe recipe, Budget preset) {
    boolean looks = recipe instanceof Recipe.InSupernet<?, ?> && !recipe.hasCells();
    return looks ? requireNonNullElse(finalists, preset.finalists()) : preset.finalists();
  }

  private TeacherConfig teacher(TeacherConfig otherwise) {
    return new TeacherConfig(
        requireNonNullElse(teacherWeight, fromScratch ? 0 : otherwise.weight()),
        requireNonNullElse(teacherTemperature, otherwise.temperature()));
  }

  /**
   * Checks that what was given is of use.
   *
   * @param recipe of the one search
   * @throws SextantException naming the option that is not
   */
  public void checkUsed(Recipe recipe) {
    cells.checkUsed(recipe);
    if (finalists != null && (recipe.hasCells() || !(recipe instanceof Recipe.InSupernet<?, ?>))) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "finalists with --method %s: it has no most probable networks of a chain",
              recipe.method()));
    }
    boolean keeps = inheritWeights || teacherWeight != null || teacherTemperature != null;
    if (keeps && recipe instanceof Recipe.Random) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s with --method %s: it has no supernet whose weights could be kept",
              inheritWeights
                  ? "inherit-weights"
                  : teacherWeight != null ? "teacher-weight" : "teacher-temperature",
              recipe.method()));
    }
    if (teacherTemperature != null && teacherWeight == null) {
      throw new SextantException(
          "teacher-temperature: without a teacher (--teacher-weight) it says nothing");
    }
  }

  private static Map<String, String> merged(SearchConfig config, Map<String, String> options) {
    Map<String, String> merged = new TreeMap<>(config.options());
    merged.putAll(options);
    return merged;
  }
}
