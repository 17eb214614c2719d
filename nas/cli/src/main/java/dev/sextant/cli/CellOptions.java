package dev.sextant.cli;

import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cells.Genotype;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.method.CellSearchConfig;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Recipe.CostKind;
import dev.sextant.nas.method.Recipe.PolicyKind;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a search of cells, and where its latency predictor comes from. */
final class CellOptions {
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
      defaultValue = "400",
      paramLabel = "N",
      description =
          "random networks of cells measured to train the latency predictor; default:"
              + " ${DEFAULT-VALUE}")
  private int predictorSamples;

  @Option(
      names = "--prediction-noise",
      defaultValue = "0",
      paramLabel = "MS",
      description =
          "deviation of noise added to predictions in the search, an experiment; default:"
              + " ${DEFAULT-VALUE}")
  private double noise;

  @Option(
      names = "--second-order",
      description = "of cells: the architecture gradient looks a weight step ahead (DARTS)")
  private boolean secondOrder;

  @Option(
      names = "--search-images",
      defaultValue = "1",
      paramLabel = "SHARE",
      description =
          "share of the training images that the search sees; default: ${DEFAULT-VALUE}"
              + " (PC-DARTS on ImageNet: 0.125)")
  private double imageShare;

  @Option(
      names = "--last-rate",
      defaultValue = "0",
      description =
          "what the rate of weights falls to in the search; default: ${DEFAULT-VALUE}"
              + " (DARTS: 0.001)")
  private double lastRate;

  @Option(
      names = "--clip",
      description =
          "limit of the gradients' norm in the search and in retraining; default: 5 with"
              + " cells, else 0, none")
  private @Nullable Double clip;

  /** The space with networks of the size asked for. */
  SearchSpace sized(SearchSpace space) {
    if (width == null && depth == null) {
      return space;
    }
    if (space instanceof CellNetworkSpace cells) {
      return cells.withNetwork(
          width == null ? cells.width() : width, depth == null ? cells.depth() : depth);
    }
    throw new SextantException(
        "width, depth: space %s is a chain of layers, whose file says how large its networks are"
            .formatted(space.name()));
  }

  /**
   * Refuses what a search by that recipe would not read; a comparison has options that only some of
   * its methods do.
   */
  void checkUsed(Recipe recipe) {
    if (secondOrder && recipe.policy() != PolicyKind.DARTS) {
      throw new SextantException(
          "second-order: policy %s follows no gradient through mixtures (--method la-darts)"
              .formatted(recipe.policy()));
    }
    if (noise > 0 && recipe.cost() != CostKind.PREDICTED) {
      throw new SextantException(
          "prediction-noise: cost %s predicts nothing (--cost predicted)".formatted(recipe.cost()));
    }
  }

  /** What the search needs besides. */
  CellSearchConfig config(Recipe recipe, TrainingOptions training) {
    double limit = recipe.supernet().hasCells() ? 5 : 0;
    return new CellSearchConfig(
        secondOrder,
        imageShare,
        lastRate,
        clip == null ? limit : clip,
        noise,
        training.dropPath(),
        training.auxiliary());
  }

  /** A predictor of networks that are measured now. */
  PredictedLatency measured(
      CellNetworkSpace space, int threads, int batch, long seed, ConsoleProgress progress) {
    if (predictorSamples < PredictedLatency.MIN_SAMPLES || predictorSamples > 1_000_000) {
      throw new SextantException(
          "predictor-samples: %d is not between %d and 1000000"
              .formatted(predictorSamples, PredictedLatency.MIN_SAMPLES));
    }
    CellLatencies latencies =
        new CellLatencies(space.cells(), space.width(), space.depth(), 2, threads, batch);
    List<Genotype> genotypes = latencies.sample(predictorSamples, seed);
    long steps = (long) CellLatencies.ROUNDS * genotypes.size();
    CellSamples samples =
        latencies.measure(
            genotypes, done -> progress.step("predictor", done, steps, "measuring networks", 0));
    PredictedLatency predictor = PredictedLatency.train(samples, PredictorRecipe.DEFAULT, seed);
    progress.message(
        "predictor %d networks of cells measured, off by %.1f %% on a fifth kept apart"
            .formatted(predictorSamples, 100 * predictor.relativeError()));
    return predictor;
  }

  /** A predictor that was trained before, or of networks measured before. */
  PredictedLatency read(CellNetworkSpace space, Path file, long seed) {
    return file.toString().endsWith(".csv")
        ? PredictedLatency.train(
            CellSamples.read(space.cells(), file), PredictorRecipe.DEFAULT, seed)
        : PredictedLatency.read(file);
  }
}
