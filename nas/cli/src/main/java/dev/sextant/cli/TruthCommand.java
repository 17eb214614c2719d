package dev.sextant.cli;

import dev.sextant.cli.options.ComputeOptions;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.TrainingOptions;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Bounds;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.truth.TruthTable;
import dev.sextant.nas.truth.TruthTraining;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant truth}. */
@Command(
    name = "truth",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Trains the networks of a small space one by one, for `sextant compare --truth`: a line"
            + " of CSV each. The same command again goes on where it was stopped.")
final class TruthCommand implements Runnable {
  @Option(names = "--space", required = true, description = "name or JSON file of a chain")
  private String space = "";

  @Mixin private DataSource data = new DataSource();
  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "the table, made or continued")
  private Path out = Path.of("");

  @Option(names = "--epochs", defaultValue = "10", description = "default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(
      names = "--rate",
      defaultValue = "0.1",
      description = "at first; cosine to 0; default: ${DEFAULT-VALUE}")
  private double rate;

  @Option(
      names = "--seeds",
      defaultValue = "1",
      description = "trainings of each network; default: ${DEFAULT-VALUE}")
  private int seeds;

  @Option(
      names = "--networks",
      paramLabel = "N",
      description = "a random part of the space's; default: all")
  private int networks = Integer.MAX_VALUE;

  @Option(
      names = "--network",
      paramLabel = "OPTIONS",
      description = "rather this one, such as 0-2-1, or several of them: what searches found")
  private List<String> named = List.of();

  @Option(
      names = "--train-images",
      paramLabel = "N",
      description = "of each class its share; default: all")
  private int images = Integer.MAX_VALUE;

  @Override
  public void run() {
    Bounds.atLeast("seeds", seeds, 1);
    Bounds.atLeast("networks", networks, 1);
    Bounds.atLeast("train-images", images, 1);
    TrainingConfig config =
        new TrainingConfig(
            0,
            epochs,
            rate,
            training.batches(BatchConfig.DEFAULT),
            training.descent(DescentConfig.DEFAULT),
            training.regularization(Regularization.NONE));
    SearchSpace given = Networks.space(space);
    Progress progress = OutputOptions.console();
    ImageDataset all = data.openAlone();
    ImageDataset used = all.withTraining(images);
    progress.message("data      " + used);
    SearchSpace sized =
        given.withInput(
            new Architecture.Input(used.height(), used.width(), used.channels()), used.classes());
    if (!(sized instanceof Space chain)) {
      throw new SextantException(
          String.format(Locale.ROOT, "truth: %s is no chain of layers", sized.name()));
    }
    String settings =
        String.format(
            Locale.ROOT,
            "space %s; %s; %d epochs at rate %s, batches of %d, augmentation %s",
            chain.name(),
            used.withoutPlace(),
            epochs,
            rate,
            config.batches().size(),
            config.batches().augmentation());
    try (Backend backend = Backends.open(compute.device(), compute.threads())) {
      TruthTraining truth = new TruthTraining(chain, used, config, backend, progress);
      List<int[]> trained =
          named.isEmpty()
              ? truth.drawn(networks)
              : named.stream().map(text -> Decisions.parse(text, chain.options())).toList();
      truth.run(out, settings, trained, seeds);
    }
    TruthTable table = TruthTable.read(out, chain);
    progress.message(
        String.format(
            Locale.ROOT,
            "truth     %d trainings of %d networks; deviation between seeds %.2f points",
            table.trainings(),
            table.networks().size(),
            100 * table.noise()));
  }
}
