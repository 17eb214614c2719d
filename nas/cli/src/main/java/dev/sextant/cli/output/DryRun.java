package dev.sextant.cli.output;

import com.google.gson.JsonObject;
import dev.sextant.nas.compare.RunEstimate;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.tensor.Memory;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a search would do, and what it takes.
 *
 * @param pricing seconds that images and costs took just now, which the run would take again
 * @param imageBytes of all images
 */
public record DryRun(SearchSetup setup, RunEstimate estimate, double pricing, long imageBytes) {
  /** Times a short run of the same kind. */
  public static DryRun of(
      SearchSetup setup, CostModel model, ImageDataset data, double pricing, Progress progress) {
    return new DryRun(
        setup,
        RunEstimate.of(setup, model, data, progress),
        pricing,
        bytes(data.train()) + bytes(data.test()));
  }

  private static long bytes(Images images) {
    return (long) images.count() * images.imageBytes();
  }

  private double seconds() {
    return pricing + estimate.seconds();
  }

  private long memory() {
    return imageBytes + estimate.tensorBytes();
  }

  /** For a person. */
  public void print(Path directory) {
    SearchConfig config = setup.config();
    System.out.println();
    line("would", setup.space().name() + " is searched" + how(config) + ", into " + directory);
    line("images", "and costs of networks: " + duration(pricing));
    if (!(config.recipe() instanceof Recipe.Random)) {
      line(
          "search",
          String.format(
              Locale.ROOT,
              "%d epochs, of which %d warm up: %s",
              config.weights().warmupEpochs() + config.weights().epochs(),
              config.weights().warmupEpochs(),
              duration(estimate.searchSeconds())));
    }
    line(
        "retrain",
        String.format(
            Locale.ROOT,
            "%d epochs of %d network%s: %s",
            config.retraining().epochs(),
            config.budget().each().size(),
            config.budget().each().size() == 1 ? "" : "s",
            duration(estimate.retrainSeconds())));
    if (config.randomSamples() > 0) {
      line(
          "random",
          String.format(
              Locale.ROOT,
              "%d networks of random search, the best of them trained: %s",
              config.randomSamples(),
              duration(estimate.randomSeconds())));
    }
    line("time", "about " + duration(seconds()) + " here");
    line(
        "memory",
        String.format(
            Locale.ROOT,
            "about %s: %s of tensors, %s of images; the JVM may take %s",
            Memory.human(memory()),
            Memory.human(estimate.tensorBytes()),
            Memory.human(imageBytes),
            Memory.human(Runtime.getRuntime().maxMemory())));
    System.out.println("nothing was written");
  }

  private static String how(SearchConfig config) {
    return switch (config.recipe()) {
      case Shrinking _ -> throw new IllegalStateException("no search shrinks");
      case Recipe.Random _ -> " at random";
      case Recipe.Scored<?> _ -> " by scores";
      case Recipe.InSupernet<?, ?> recipe ->
          String.format(Locale.ROOT, " by %s in %s", recipe.policy().id(), recipe.supernet().id());
    };
  }

  private static void line(String name, String text) {
    System.out.printf(Locale.ROOT, "%-9s %s%n", name, text);
  }

  private static String duration(double seconds) {
    long rounded = Math.max(1, Math.round(seconds));
    return rounded < 120
        ? rounded + " s"
        : rounded < 7200
            ? String.format(Locale.ROOT, "%d min %02d s", rounded / 60, rounded % 60)
            : String.format(Locale.ROOT, "%d h %02d min", rounded / 3600, rounded / 60 % 60);
  }

  /** For a program. */
  public JsonObject json(Path directory) {
    JsonObject json = new JsonObject();
    json.addProperty("event", "result");
    json.addProperty("command", "search --dry-run");
    json.addProperty("directory", directory.toString());
    json.addProperty("space", setup.space().name());
    json.addProperty("searchSeconds", estimate.searchSeconds());
    json.addProperty("retrainSeconds", estimate.retrainSeconds());
    json.addProperty("randomSeconds", estimate.randomSeconds());
    json.addProperty("seconds", seconds());
    json.addProperty("memoryBytes", memory());
    return json;
  }
}
