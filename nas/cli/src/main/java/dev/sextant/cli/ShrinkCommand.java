package dev.sextant.cli;

import static java.util.Objects.requireNonNullElse;

import dev.sextant.cli.options.BudgetConverter;
import dev.sextant.cli.options.CellOptions;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.MeasurementOptions;
import dev.sextant.cli.options.TrainingOptions;
import dev.sextant.cli.output.Outcomes;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.shrink.Alternatives;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.train.TrainedModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant shrink}. */
@Command(
    name = "shrink",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Makes a trained network smaller: fits what can stand in the place of each of its layers to"
            + " that layer's output, scores it on held-out images, takes the best of all networks"
            + " within each budget, and trains that on with the given network as its teacher."
            + " Continue with `sextant resume` if it was stopped.")
final class ShrinkCommand implements Runnable {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "with architecture.json and weights.safetensors, such as that of a run")
  private Path model = Path.of("");

  @Option(
      names = "--budget",
      required = true,
      split = ",",
      converter = BudgetConverter.class,
      description =
          "the most that a network may cost, as in 1.5ms (latency) or 20M (counts), or several, as"
              + " in 2ms,1ms")
  private List<BudgetConverter.Budget> budgets = List.of();

  @Option(
      names = "--cost",
      defaultValue = "latency",
      description =
          "latency (table of layers), macs, parameters, linear (--table FILE.csv), or one from"
              + " outside; default: ${DEFAULT-VALUE}")
  private String cost = "";

  @Mixin private DataSource data = new DataSource();
  @Mixin private MeasurementOptions measurement = new MeasurementOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "of the run")
  private Path out = Path.of("");

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--fit-epochs",
      defaultValue = "" + Shrinking.EPOCHS,
      description = "in which alternatives are fitted to layers; default: ${DEFAULT-VALUE}")
  private int fitEpochs;

  @Option(
      names = "--fit-rate",
      defaultValue = "" + Shrinking.RATE,
      description = "Adam's, cosine to 0; default: ${DEFAULT-VALUE}")
  private double fitRate;

  @Option(
      names = "--validation-fraction",
      defaultValue = "" + SearchImages.VALIDATION_FRACTION,
      description =
          "of the training images, by which alternatives are scored; default: ${DEFAULT-VALUE}")
  private double validationFraction;

  @Option(
      names = "--retrain-epochs",
      defaultValue = "" + Retraining.EPOCHS,
      description = "of each network found, on all training images; default: ${DEFAULT-VALUE}")
  private int retrainEpochs;

  @Option(
      names = "--retrain-rate",
      defaultValue = "" + Shrinking.RETRAIN_RATE,
      description = "at first; cosine to 0; default: ${DEFAULT-VALUE}")
  private double retrainRate;

  @Option(
      names = "--teacher-weight",
      paramLabel = "W",
      description =
          "of the given network's logits in that training; labels have the rest; default: 0.8")
  private @Nullable Double teacherWeight;

  @Option(
      names = "--teacher-temperature",
      description = "that both networks' logits are divided by; default: 2")
  private @Nullable Double teacherTemperature;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public void run() {
    Progress progress = output.progress();
    measurement.device();
    CostProvider provider = Costs.ALL.named(cost);
    TrainedModel trained = TrainedModel.read(model);
    Space space = Alternatives.space(trained.architecture());
    Shrinking recipe = new Shrinking(provider, trained.weights().checksum());
    recipe.checkSpace(space);
    RunDirectory directory = RunDirectory.create(out);
    ImageDataset given = data.open();
    progress.message("data      " + given);
    ImageDataset images = trained.fit(given);
    CostModel prices =
        measurement.model(
            provider,
            space,
            new CellOptions(),
            data.others(),
            BudgetConverter.percentile(budgets),
            seed,
            progress);
    CostUnit unit = prices.unit();
    BudgetCheck.Range costs = BudgetCheck.costs(prices, space);
    progress.message(
        String.format(
            Locale.ROOT,
            "space     %s: %s networks, from %s",
            space.name(),
            space.size(),
            unit.format(costs.minimum())));
    SearchSetup setup = measurement.setup(data, space, config(recipe, unit), prices);
    try (SearchRun run =
        SearchRun.start(directory, setup, trained, prices, images, checkpointSeconds, progress)) {
      SearchResult result = run.run();
      output.outcome(
          Outcomes.of(result, setup.config(), directory.path()),
          () -> Terminal.print(result, setup.config(), directory));
    }
  }

  private SearchConfig config(Shrinking recipe, CostUnit unit) {
    SearchConfig preset = recipe.config(budgets.getFirst().in(unit)).withSeed(seed);
    TeacherConfig teacher = Shrinking.LEARNING;
    return preset
        .withImages(
            new SearchImages(preset.images().share(), validationFraction, preset.images().size()),
            training.batches(preset.batches()))
        .withWeights(
            preset.weights().withEpochs(0, fitEpochs).withRates(0, fitRate, 0),
            training.descent(preset.descent()))
        .withBudget(
            preset
                .budget()
                .withFront(budgets.stream().skip(1).map(other -> other.in(unit)).toList(), 0)
                .withPercentile(BudgetConverter.percentile(budgets)))
        .withRetraining(
            new Retraining(
                retrainEpochs,
                retrainRate,
                true,
                training.regularization(preset.retraining().regularization()),
                new TeacherConfig(
                    requireNonNullElse(teacherWeight, teacher.weight()),
                    requireNonNullElse(teacherTemperature, teacher.temperature()))))
        .withOptions(data.others());
  }
}
