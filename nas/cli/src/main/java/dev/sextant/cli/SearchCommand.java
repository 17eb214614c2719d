package dev.sextant.cli;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.search.RunDirectory;
import dev.sextant.nas.search.SearchConfig;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant search}. */
@Command(
    name = "search",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Searches a space for the most accurate network within a latency budget, trains it, and"
            + " compares it with random search. Without options: a complete search on built-in"
            + " images.")
final class SearchCommand implements Runnable {
  /** Where in the space's range of latencies the budget lies if none is given. */
  private static final double DEFAULT_BUDGET = 0.4;

  private static final int CALIBRATION_NETWORKS = 8;

  @Mixin private DataSource data = new DataSource();

  @Option(
      names = "--method",
      defaultValue = "proxyless-g",
      description = "proxyless-g (ProxylessNAS, gradient form); default: ${DEFAULT-VALUE}")
  private Method method = Method.PROXYLESS_G;

  @Option(
      names = "--space",
      defaultValue = "proxyless-small",
      description = "name or JSON file of a search space; default: ${DEFAULT-VALUE}")
  private String space = "";

  @Option(
      names = "--budget",
      converter = MillisecondsConverter.class,
      description = "latency to meet, as in 1.5ms; default: 40 %% up the space's range")
  private @Nullable Double budgetMs;

  @Option(names = "--ceiling", description = "the budget may be undercut")
  private boolean ceiling;

  @Option(
      names = "--table",
      description = "latency table (JSON or CSV) instead of measuring one; predictions then stand")
  private @Nullable Path table;

  @Option(names = "--out", description = "directory of the run; default: runs/TIME")
  private @Nullable Path out;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(names = "--threads", description = "of training; default: all processors")
  private int threads;

  @Option(
      names = "--latency-threads",
      defaultValue = "1",
      description = "of inference, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyThreads;

  @Option(
      names = "--latency-batch",
      defaultValue = "1",
      description = "images at once, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyBatch;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu or cuda; default: ${DEFAULT-VALUE}")
  private String device = "";

  @Option(names = "--batch", defaultValue = "32", description = "default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--validation-fraction",
      defaultValue = "0.2",
      description = "of the training images, for architecture steps; default: ${DEFAULT-VALUE}")
  private double validationFraction;

  @Option(
      names = "--warmup-epochs",
      defaultValue = "3",
      description = "weight steps alone; default: ${DEFAULT-VALUE}")
  private int warmupEpochs;

  @Option(names = "--warmup-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double warmupRate;

  @Option(
      names = "--epochs",
      defaultValue = "6",
      description = "weight and architecture steps; default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(names = "--rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double rate;

  @Option(
      names = "--quiet-epochs",
      defaultValue = "0",
      description = "of those, without architecture steps at first; default: ${DEFAULT-VALUE}")
  private int quietEpochs;

  @Option(
      names = "--architecture-interval",
      defaultValue = "2",
      description = "weight steps to one architecture step; default: ${DEFAULT-VALUE}")
  private int architectureInterval;

  @Option(
      names = "--architecture-rate",
      defaultValue = "0.02",
      description = "Adam's rate of the architecture parameters; default: ${DEFAULT-VALUE}")
  private double architectureRate;

  @Option(
      names = "--gates",
      defaultValue = "recompute",
      description = "recompute, two-path or all-paths; default: ${DEFAULT-VALUE}")
  private GateMode gates = GateMode.RECOMPUTE;

  @Option(
      names = "--objective",
      defaultValue = "add-linear",
      description =
          "add-linear: CE + lambda (E/T - 1); additive: CE + lambda2 E; mul-log: CE (ln E / ln"
              + " T)^beta; default: ${DEFAULT-VALUE}")
  private SearchConfig.ObjectiveKind objective = SearchConfig.ObjectiveKind.ADD_LINEAR;

  @Option(
      names = "--lambda",
      defaultValue = "0.2",
      description = "strength to start from; default: ${DEFAULT-VALUE}")
  private double strength;

  @Option(
      names = "--fixed-lambda",
      description = "keep lambda, instead of controlling it to meet the budget")
  private boolean fixedStrength;

  @Option(
      names = "--weight-decay",
      defaultValue = "4e-5",
      description = "default: ${DEFAULT-VALUE}")
  private double weightDecay;

  @Option(names = "--momentum", defaultValue = "0.9", description = "default: ${DEFAULT-VALUE}")
  private double momentum;

  @Option(
      names = "--label-smoothing",
      defaultValue = "0.1",
      description = "default: ${DEFAULT-VALUE}")
  private double labelSmoothing;

  @Option(
      names = "--augmentation",
      defaultValue = "light",
      description = "none, light, cifar or imagenet; default: ${DEFAULT-VALUE}")
  private String augmentation = "";

  @Option(
      names = "--retrain-epochs",
      defaultValue = "8",
      description = "of the network found; default: ${DEFAULT-VALUE}")
  private int retrainEpochs;

  @Option(names = "--retrain-rate", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
  private double retrainRate;

  @Option(names = "--inherit-weights", description = "retrain from the supernet's weights")
  private boolean inheritWeights;

  @Option(names = "--dropout", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private double dropout;

  @Option(
      names = "--random-samples",
      defaultValue = "3",
      description = "networks of the random-search baseline, 0 for none; default: ${DEFAULT-VALUE}")
  private int randomSamples;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  /** The methods that are built. */
  enum Method {
    PROXYLESS_G;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  @Override
  public void run() {
    ConsoleProgress progress = Terminal.progress();
    Device target = Device.parse(device);
    RunDirectory directory = RunDirectory.create(out == null ? defaultDirectory() : out);
    ImageDataset images = data.open();
    progress.message("data      " + images);
    Space searched =
        Networks.space(space)
            .withInput(
                new Architecture.Input(images.height(), images.width(), images.channels()),
                images.classes());
    LatencyTable latencies =
        table == null ? measured(target, searched, progress) : LatencyFiles.read(table);
    ExpectedCost cost = latencies.costs(searched);
    double budget =
        budgetMs != null
            ? budgetMs
            : cost.minimum() + DEFAULT_BUDGET * (cost.maximum() - cost.minimum());
    progress.message(
        "space     %s: %s networks, %.3f to %.3f ms; budget %.3f ms"
            .formatted(searched.name(), searched.size(), cost.minimum(), cost.maximum(), budget));
    RunDirectory.Setup setup =
        new RunDirectory.Setup(
            data.source(),
            data.options(),
            searched,
            config(budget),
            table != null,
            target,
            threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
    SearchRun.check(setup, latencies);
    try (SearchRun run =
        SearchRun.start(directory, setup, latencies, images, checkpointSeconds, progress)) {
      Terminal.print(run.run(), budget, directory);
    }
  }

  private LatencyTable measured(Device target, Space searched, ConsoleProgress progress) {
    LatencyMeter meter = new LatencyMeter(0.02, Duration.ofMillis(150), Duration.ofMillis(100));
    LatencyProfiler profiler =
        new LatencyProfiler(
            new LatencyProfile(target, latencyThreads, meter),
            (done, total) -> progress.step("latency table", done, total, "measuring layers", 0));
    return profiler.measure(searched, latencyBatch, CALIBRATION_NETWORKS, seed);
  }

  private SearchConfig config(double budget) {
    return new SearchConfig(
        seed,
        batch,
        validationFraction,
        warmupEpochs,
        warmupRate,
        epochs,
        rate,
        quietEpochs,
        architectureInterval,
        architectureRate,
        gates,
        objective,
        strength,
        fixedStrength,
        weightDecay,
        momentum,
        labelSmoothing,
        augmentation,
        budget,
        ceiling,
        retrainEpochs,
        retrainRate,
        inheritWeights,
        dropout,
        randomSamples);
  }

  private static Path defaultDirectory() {
    String time = LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    Path directory = Path.of("runs", time);
    for (int i = 2; Files.exists(directory); i++) {
      directory = Path.of("runs", time + "-" + i);
    }
    return directory;
  }
}
