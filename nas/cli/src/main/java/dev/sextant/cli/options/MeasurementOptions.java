package dev.sextant.cli.options;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say where a search trains and where its networks are timed. */
public final class MeasurementOptions {
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(
      names = "--table",
      description =
          "latency table (JSON, CSV or YAML) instead of measuring one, or the linear model (CSV),"
              + " or what `sextant predictor` wrote with --save (.csv) or --out (.safetensors);"
              + " predictions then stand")
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

  @Option(
      names = "--accept-noisy",
      description =
          "use latencies whose measurement was disturbed, as it says, for a budget all the same")
  private boolean acceptNoisy;

  /**
   * {@return what networks cost: read where a file is given, else measured} Whatever is doubtful
   * about measured latencies is said.
   *
   * @param cost the kind of cost
   * @param searched the space of the run
   * @param cells how many networks of cells are measured
   * @param options values of the provider's own options, by {@code PROVIDER.NAME}
   * @param percentile of latencies that the budget is of
   * @param seed of networks drawn to be measured
   * @param progress told of measurements
   * @throws dev.sextant.tensor.SextantException if there are doubts, and no {@code --accept-noisy}
   */
  public CostModel model(
      CostProvider cost,
      SearchSpace searched,
      CellOptions cells,
      Map<String, String> options,
      Percentile percentile,
      long seed,
      Progress progress) {
    CostModel model =
        cost.model(
            new CostRequest(
                searched,
                table,
                Options.of(cost, options),
                new CostRequest.Measuring(
                    device(), latencyThreads, latencyBatch, cells.predictorSamples(), percentile),
                seed,
                progress));
    if (model instanceof LatencyTable latencies && latencies.setting().percentile() != percentile) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "table: its latencies are the %s of networks, the budget is of the %s",
              latencies.setting().percentile().text(),
              percentile.text()));
    }
    Doubts.judge(model.doubts(), acceptNoisy, progress);
    return model;
  }

  /**
   * {@return a run here; a table that was given says how many threads and images its latencies are
   * of}
   *
   * @param data the images
   * @param searched the space of the run
   * @param config the numbers of the run
   * @param model that prices the networks
   */
  public SearchSetup setup(
      DataSource data, SearchSpace searched, SearchConfig config, CostModel model) {
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

  /** {@return the device, if there is such a kind} */
  public Device device() {
    return compute.device();
  }
}
