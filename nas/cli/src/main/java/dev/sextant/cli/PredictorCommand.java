package dev.sextant.cli;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.predict.LinearPredictor;
import dev.sextant.nas.predict.NasBench201;
import dev.sextant.nas.predict.PredictionError;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sextant predictor}. */
@Command(
    name = "predictor",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Trains a latency predictor on four fifths of measured networks and prints its error on the"
            + " rest for each size of the training set, a latency table's beside it.")
final class PredictorCommand implements Runnable {
  private static final double TRAIN_SHARE = 0.8;

  @Option(
      names = "--csv",
      required = true,
      paramLabel = "FILE",
      description = "latencies of NAS-Bench-201 cells: column arch, and one of ms for each device")
  private Path csv = Path.of("");

  @Option(names = "--device", required = true, paramLabel = "NAME", description = "its column")
  private String device = "";

  @Option(
      names = "--train",
      split = ",",
      paramLabel = "N",
      description = "sizes of the training set; default: the largest")
  private List<Integer> sizes = new ArrayList<>();

  @Option(
      names = "--recipe",
      defaultValue = "default",
      description =
          "${COMPLETION-CANDIDATES}: ours, or that of Latency-Aware DARTS; default:"
              + " ${DEFAULT-VALUE}")
  private Recipe recipe = Recipe.DEFAULT;

  @Option(names = "--epochs", paramLabel = "N", description = "instead of the recipe's")
  private @Nullable Integer epochs;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "where to write the last predictor (safetensors)")
  private @Nullable Path out;

  /** How it is trained. */
  enum Recipe {
    DEFAULT(PredictorRecipe.DEFAULT),
    PAPER(PredictorRecipe.PAPER);

    private final PredictorRecipe recipe;

    Recipe(PredictorRecipe recipe) {
      this.recipe = recipe;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public void run() {
    LatencySamples.Split split = NasBench201.read(csv, device).split(TRAIN_SHARE, seed);
    System.out.printf(
        "%s: %d networks to train on, %d to test%n",
        device, split.train().count(), split.test().count());
    compare(split);
  }

  /** One row for each size of the training set. */
  private void compare(LatencySamples.Split split) {
    if (sizes.isEmpty()) {
      sizes = List.of(split.train().count());
    }
    System.out.println(
        "          |----------- perceptron ------------------------------|"
            + "------------ linear -------------------|");
    System.out.println(
        "    train   abs. ms   rel. %   ±5 %   ±10 %       ρ   seconds"
            + "   abs. ms   rel. %   ±5 %   ±10 %       ρ");
    for (int size : sizes) {
      if (size < 1 || size > split.train().count()) {
        throw new SextantException(
            "--train: %d is not between 1 and the %d there are"
                .formatted(size, split.train().count()));
      }
      row(split.train().first(size), split.test(), size == sizes.getLast());
    }
  }

  private void row(LatencySamples train, LatencySamples test, boolean last) {
    PredictorRecipe chosen = epochs == null ? recipe.recipe : recipe.recipe.withEpochs(epochs);
    long start = System.nanoTime();
    try (LatencyPredictor predictor = LatencyPredictor.train(train, chosen, seed)) {
      double seconds = (System.nanoTime() - start) / 1e9;
      PredictionError error = PredictionError.of(predictor.predict(test.features()), test.ms());
      PredictionError linear =
          PredictionError.of(LinearPredictor.fit(train).predict(test.features()), test.ms());
      System.out.printf(
          Locale.ROOT, "%9d%s%10.1f%s%n", train.count(), text(error), seconds, text(linear));
      if (last && out != null) {
        predictor.write(out, Map.of("encoding", "nas-bench-201", "device", device));
        System.out.println("written to " + out);
      }
    }
  }

  private static String text(PredictionError error) {
    return String.format(
        Locale.ROOT,
        "%10.4f%9.2f%7.1f%8.1f%8.4f",
        error.absoluteMs(),
        100 * error.relative(),
        100 * error.within5(),
        100 * error.within10(),
        error.spearman());
  }
}
