package dev.sextant.cli;

import dev.sextant.cli.options.ComputeOptions;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.cli.options.TrainingOptions;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant train}. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Trains one architecture, and says how accurate and how fast it is. Continue with `sextant"
            + " resume` if it was stopped.")
final class TrainCommand implements Runnable {
  /** A network alone leaves room for more images at once than a search. */
  private static final BatchConfig BATCHES =
      new BatchConfig(64, BatchConfig.AUGMENTATION, BatchConfig.LABEL_SMOOTHING);

  @Option(
      names = "--architecture",
      required = true,
      paramLabel = "NAME|FILE",
      description =
          "built-in name, JSON file or the text of a genotype (DARTS); takes on the image size and"
              + " classes of the data")
  private String architecture = "";

  @Mixin private GenotypeOptions cells = new GenotypeOptions();
  @Mixin private DataSource data = new DataSource();
  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "of the run")
  private Path out = Path.of("");

  @Option(names = "--epochs", defaultValue = "10", description = "default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(
      names = "--rate",
      defaultValue = "0.1",
      description = "at first; cosine to 0; default: ${DEFAULT-VALUE}")
  private double rate;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public void run() {
    Device target = compute.device();
    TrainingConfig config =
        new TrainingConfig(
            seed,
            epochs,
            rate,
            training.batches(BATCHES),
            training.descent(DescentConfig.DEFAULT),
            training.regularization(Regularization.NONE));
    RunDirectory directory = RunDirectory.create(out);
    Architecture named = Networks.architecture(architecture, cells);
    Progress progress = output.progress();
    ImageDataset images = data.openAlone();
    progress.message("data      " + images);
    Architecture trained =
        named.withInput(
            new Architecture.Input(images.height(), images.width(), images.channels()),
            images.classes());
    TrainingSetup setup =
        new TrainingSetup(
            data.source(), data.options(), trained, config, target, compute.threads());
    try (TrainingRun run =
        TrainingRun.start(directory, setup, images, checkpointSeconds, progress)) {
      Terminal.trained(output, trained, run.run(), target, out);
    }
  }
}
