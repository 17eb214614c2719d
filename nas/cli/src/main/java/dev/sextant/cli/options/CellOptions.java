package dev.sextant.cli.options;

import static java.util.Objects.requireNonNullElse;

import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a search of cells. */
public final class CellOptions {
  @Option(
      names = "--width",
      paramLabel = "N",
      description = "channels of the first cells of networks, instead of the space's")
  private @Nullable Integer width;

  @Option(
      names = "--depth",
      paramLabel = "N",
      description = "cells of networks, instead of the space's")
  private @Nullable Integer depth;

  @Option(
      names = "--predictor-samples",
      defaultValue = "" + CostRequest.Measuring.PREDICTOR_SAMPLES,
      paramLabel = "N",
      description =
          "random networks of cells measured to train the latency predictor; default:"
              + " ${DEFAULT-VALUE}")
  private int predictorSamples;

  @Option(
      names = "--prediction-noise",
      paramLabel = "MS",
      description =
          "deviation of noise added to predictions in the search, an experiment; default: 0")
  private @Nullable Double noise;

  @Option(
      names = "--second-order",
      description = "of cells: the architecture gradient looks a weight step ahead (DARTS)")
  private boolean secondOrder;

  @Option(
      names = "--search-images",
      paramLabel = "SHARE",
      description =
          "share of the training images that the search sees; default: 1 (PC-DARTS on ImageNet:"
              + " 0.125)")
  private @Nullable Double imageShare;

  @Option(
      names = "--last-rate",
      description = "what the rate of weights falls to in the search; default: 0 (DARTS: 0.001)")
  private @Nullable Double lastRate;

  /**
   * {@return the space with networks of the size asked for}
   *
   * @param space of cells
   */
  public SearchSpace sized(SearchSpace space) {
    if (width == null && depth == null) {
      return space;
    }
    if (space instanceof CellNetworkSpace cells) {
      return cells.withNetwork(
          width == null ? cells.width() : width, depth == null ? cells.depth() : depth);
    }
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "width, depth: space %s is a chain of layers, whose file says how large its networks"
                + " are",
            space.name()));
  }

  /**
   * Refuses what a search by that recipe would not read; a comparison has options that only some of
   * its methods do.
   *
   * @param recipe of the search
   */
  public void checkUsed(Recipe recipe) {
    if (secondOrder
        && !(recipe instanceof Recipe.InSupernet<?, ?> searched
            && searched.policy() == Policies.DARTS)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "second-order: %s follows no gradient through mixtures (--method la-darts)",
              recipe instanceof Recipe.InSupernet<?, ?> searched
                  ? "policy " + searched.policy().id()
                  : "random search"));
    }
    if (noise != null && noise > 0 && recipe.cost() != Costs.PREDICTED) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "prediction-noise: cost %s predicts nothing (--cost predicted)",
              recipe.cost().id()));
    }
  }

  /** {@return how many networks are measured to train the latency predictor} */
  public int predictorSamples() {
    return predictorSamples;
  }

  /**
   * {@return the settings with what was given}
   *
   * @param config the settings without these options
   */
  public SearchConfig config(SearchConfig config) {
    SearchImages images = config.images();
    WeightSteps weights = config.weights();
    Budget budget = config.budget();
    return config
        .withImages(
            new SearchImages(
                requireNonNullElse(imageShare, images.share()),
                images.validationFraction(),
                images.size()),
            config.batches())
        .withWeights(
            weights.withRates(
                weights.warmupRate(),
                weights.rate(),
                requireNonNullElse(lastRate, weights.lastRate())),
            config.descent())
        .withArchitecture(
            secondOrder ? config.architecture().withSecondOrder(true) : config.architecture())
        .withBudget(budget.withNoise(requireNonNullElse(noise, budget.noiseMs())));
  }
}
