package dev.sextant.cli;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.method.Recipe.CostKind;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say where a search trains and where its networks are timed. */
final class MeasurementOptions {
  private static final int CALIBRATION_NETWORKS = 8;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(
      names = "--table",
      description =
          "latency table (JSON or CSV) instead of measuring one, or the linear model (CSV), or what"
              + " `sextant predictor` wrote with --save (.csv) or --out (.safetensors); predictions"
              + " then stand")
  private @Nullable Path table;

  @Option(
      names = "--latency-threads",
      converter = ThreadsConverter.class,
      defaultValue = "1",
      description = "of inference, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyThreads;

  @Option(
      names = "--latency-batch",
      defaultValue = "1",
      description = "images at once, in table and measurements; default: ${DEFAULT-VALUE}")
  private int latencyBatch;

  /** What networks cost: read where a file is given, else measured. */
  CostModel model(
      CostKind cost, SearchSpace searched, CellOptions cells, long seed, ConsoleProgress progress) {
    Path file = table;
    return switch (cost) {
      case LATENCY, MEASURED ->
          file == null ? measured((Space) searched, seed, progress) : LatencyFiles.read(file);
      case PREDICTED -> {
        CellNetworkSpace networks = (CellNetworkSpace) searched;
        yield file == null
            ? cells.measured(networks, latencyThreads, latencyBatch, seed, progress)
            : cells.read(networks, file, seed);
      }
      case LINEAR -> {
        if (file == null) {
          throw new SextantException("cost linear: give the model's file, --table FILE.csv");
        }
        yield LinearCost.read(file);
      }
      case MACS -> Counts.MACS;
      case PARAMETERS -> Counts.PARAMETERS;
    };
  }

  private LatencyTable measured(Space searched, long seed, ConsoleProgress progress) {
    LatencyMeter meter =
        new LatencyMeter(
            0.02, Duration.ofMillis(150), Duration.ofMillis(100), Duration.ofSeconds(2));
    LatencyProfiler profiler =
        new LatencyProfiler(
            new LatencyProfile(device(), latencyThreads, meter),
            (done, total) -> progress.step("latency table", done, total, "measuring layers", 0));
    return profiler.measure(searched, latencyBatch, CALIBRATION_NETWORKS, seed);
  }

  /** A run here; a table that was given says how many threads and images its latencies are of. */
  SearchSetup setup(DataSource data, SearchSpace searched, SearchConfig config, CostModel model) {
    boolean given = model instanceof LatencyTable && table != null;
    LatencyTable.@Nullable Setting setting = given ? ((LatencyTable) model).setting() : null;
    return new SearchSetup(
        data.source(),
        data.options(),
        searched,
        config,
        table != null,
        device(),
        compute.threads(),
        setting == null ? latencyThreads : setting.threads(),
        setting == null ? latencyBatch : setting.batch());
  }

  /** The device, if there is such a kind. */
  Device device() {
    return compute.device();
  }
}
