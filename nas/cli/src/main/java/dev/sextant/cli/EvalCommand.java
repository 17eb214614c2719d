package dev.sextant.cli;

import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.ThreadsConverter;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.detection.SceneSource;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.nas.train.TrainedModel;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant eval}. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Says how accurate the compiled model is on the test images, and how fast on this machine.")
final class EvalCommand implements Runnable {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "with architecture.json and weights.safetensors, such as that of a run")
  private Path model = Path.of("");

  @Mixin private DataSource data = new DataSource();

  @Option(
      names = "--threads",
      converter = ThreadsConverter.class,
      defaultValue = "1",
      description = "of the latency; default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--batch",
      defaultValue = "1",
      description = "images at once, for the latency; default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu or cuda; default: ${DEFAULT-VALUE}")
  private String device = "";

  @Override
  public void run() {
    Device target = Device.parse(device);
    TrainedModel trained = TrainedModel.read(model);
    Architecture architecture = trained.architecture();
    Weights weights = trained.weights();
    if (architecture.detects()) {
      data.otherwise(SceneSource.DEFAULT);
    }
    ImageDataset given = data.openAlone();
    System.out.println("data      " + given);
    ImageDataset images = trained.fit(given);
    if (trained.classNames().isEmpty()) {
      note(
          String.format(
              Locale.ROOT,
              "the weights do not name the model's classes: they are taken to be the data's, %s",
              ClassNames.some(images.classNames())));
    }
    for (String key : List.of(CompiledModel.MEAN, CompiledModel.DEVIATION)) {
      if (!weights.metadata().containsKey(key)) {
        String taken = key.equals(CompiledModel.MEAN) ? "0" : "1";
        note(
            String.format(
                Locale.ROOT,
                "the weights do not say the %s of the training pixels, %s is taken",
                key,
                taken));
        weights =
            weights.withMetadata(
                key, String.join(",", Collections.nCopies(architecture.input().channels(), taken)));
      }
    }
    Evaluation evaluation =
        Evaluation.of(
            architecture,
            weights,
            images.test(),
            target,
            Runtime.getRuntime().availableProcessors());
    Terminal.print(
        architecture, evaluation.score(), Terminal.latency(architecture, target, threads, batch));
    if (evaluation instanceof Evaluation.Objects objects) {
      System.out.printf(Locale.ROOT, "at 0.5    mAP %.2f%%%n", 100 * objects.scoreAtHalf());
    }
  }

  private static void note(String text) {
    System.out.println("note      " + text);
  }
}
