package dev.sextant.cli;

import dev.sextant.cli.options.ClusterOptions;
import dev.sextant.cli.options.ComputeOptions;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.cli.options.TrainingOptions;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.detection.SceneSource;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.nas.train.TrainedModel;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.nas.train.Transfer;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
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
      paramLabel = "NAME|FILE",
      description =
          "built-in name, JSON file or the text of a genotype (DARTS); takes on the image size and"
              + " classes of the data; not needed with --from DIR")
  private @Nullable String architecture;

  @Option(
      names = "--from",
      paramLabel = "DIR|FILE",
      description =
          "begin with the weights of a trained network: a directory with architecture.json and"
              + " weights.safetensors, such as that of a run, or a file of weights of"
              + " --architecture; a classifier for other classes is replaced")
  private @Nullable Path from;

  @Option(
      names = "--freeze",
      paramLabel = "LAYERS",
      description =
          "with --from, the first layers, which are not trained: all-but-classifier, or as in"
              + " layers.0-5")
  private @Nullable String freeze;

  @Mixin private GenotypeOptions cells = new GenotypeOptions();
  @Mixin private DataSource data = new DataSource();
  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();
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
    TrainedModel model = from == null ? null : model(from);
    Architecture named = model == null ? named() : model.architecture();
    if (freeze != null && model == null) {
      throw new SextantException("freeze: new weights have to be trained (--from)");
    }
    Progress progress = output.progress();
    if (named.detects()) {
      data.otherwise(SceneSource.DEFAULT);
    }
    ImageDataset images = data.openAlone();
    progress.message("data      " + images);
    Architecture trained =
        named.withInput(
            new Architecture.Input(images.height(), images.width(), images.channels()),
            images.classes());
    TrainingSetup setup =
        new TrainingSetup(
            data.source(),
            data.options(),
            trained,
            config,
            target,
            compute.threads(),
            images.classNames(),
            model == null ? null : start(model, trained, images, progress));
    if (cluster.isGiven(config.batches().size())) {
      TrainingRun.prepare(directory, setup, model == null ? null : model.weights());
      cluster.share(directory);
      cluster.run(directory, checkpointSeconds, setup.threads(), false);
      print(directory, setup, images);
      return;
    }
    try (TrainingRun run =
        TrainingRun.start(
            directory,
            setup,
            model == null ? null : model.weights(),
            images,
            checkpointSeconds,
            progress)) {
      Terminal.trained(output, trained, run.run(), target, out);
    }
  }

  private TrainedModel model(Path place) {
    if (!Files.isDirectory(place)) {
      return TrainedModel.of(named(), place);
    }
    if (architecture != null) {
      throw new SextantException(
          "architecture: " + place + " says itself which its weights are of");
    }
    return TrainedModel.read(place);
  }

  private Architecture named() {
    if (architecture == null) {
      throw new SextantException("architecture: give one, or --from with a directory that has one");
    }
    return Networks.architecture(architecture, cells);
  }

  private TrainingSetup.Start start(
      TrainedModel model, Architecture trained, ImageDataset images, Progress progress) {
    int frozen = freeze == null ? 0 : Transfer.frozen(freeze, trained);
    progress.message(
        String.format(
            Locale.ROOT,
            "from      %s: %s classifier, %d of %d layers frozen",
            model.name(),
            Transfer.keepsClassifier(model.weights(), images.classNames()) ? "its" : "a new",
            frozen,
            trained.layers().size()));
    return new TrainingSetup.Start(model.name(), model.weights().checksum(), frozen);
  }

  /** What a training on other machines came to, by the weights that it left. */
  static void print(RunDirectory directory, TrainingSetup setup, ImageDataset images) {
    double accuracy =
        Evaluation.of(
                setup.architecture(),
                Weights.read(directory.weights()),
                images.test(),
                setup.device(),
                setup.threads())
            .score();
    Terminal.print(
        setup.architecture(),
        accuracy,
        Terminal.latency(setup.architecture(), setup.device(), 1, 1));
    System.out.println("written to " + directory.path());
  }
}
