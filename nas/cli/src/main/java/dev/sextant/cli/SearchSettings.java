package dev.sextant.cli;

import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Recipe.PolicyKind;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchConfig.WeightOptimizer;
import dev.sextant.nas.supernet.GateMode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say how weights and decisions learn, however long they do. */
final class SearchSettings {
  @Option(names = "--batch", defaultValue = "32", description = "default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--validation-fraction",
      defaultValue = "0.2",
      description =
          "of the training images, for architecture steps and to tell how a search goes; default:"
              + " ${DEFAULT-VALUE}")
  private double validationFraction;

  @Option(names = "--warmup-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double warmupRate;

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
      description =
          "weight steps to one architecture step; default: ${DEFAULT-VALUE}; thresholds learn in"
              + " all")
  private int architectureInterval;

  @Option(
      names = "--architecture-rate",
      description =
          "Adam's rate of the architecture parameters; default: 0.005 with --policy thresholds,"
              + " else 0.02")
  private @Nullable Double architectureRate;

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

  @Option(names = "--retrain-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double retrainRate;

  @Option(names = "--inherit-weights", description = "retrain from the supernet's weights")
  private boolean inheritWeights;

  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private CellOptions cells = new CellOptions();

  /** Those of cells. */
  CellOptions cells() {
    return cells;
  }

  /** The settings of a search by a recipe that goes on for so long. */
  SearchConfig config(Recipe recipe, double budget, boolean ceiling, long seed, RunLength effort) {
    boolean controlled = recipe.policy() == PolicyKind.CONTROLLER;
    return new SearchConfig(
        seed,
        recipe,
        batch,
        validationFraction,
        effort.warmupEpochs(),
        warmupRate,
        effort.epochs(),
        rate,
        oneCosine == null ? controlled : oneCosine,
        optimizer,
        quietEpochs,
        architectureInterval,
        architectureRate == null ? defaultArchitectureRate(recipe) : architectureRate,
        architectureGrowth == null ? (controlled ? 10 : 1) : architectureGrowth,
        samples == null ? (recipe.policy() == PolicyKind.DARTS ? 20 : 4) : samples,
        gates,
        strength == null ? recipe.objective().defaultStrength() : strength,
        fixedStrength,
        training.weightDecay(),
        training.momentum(),
        training.labelSmoothing(),
        training.augmentation(),
        budget,
        ceiling,
        effort.retrainEpochs(),
        retrainRate,
        inheritWeights,
        training.dropout(),
        cells.config(recipe, training),
        effort.randomSamples());
  }

  /** Thresholds are compared with norms of about 0.3, and learn in every step. */
  private static double defaultArchitectureRate(Recipe recipe) {
    return recipe.policy() == PolicyKind.THRESHOLDS ? 0.005 : 0.02;
  }
}
