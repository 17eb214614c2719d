package dev.sextant.nas.cost;

import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.provider.Providers;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The costs there are; the constants are those built in. */
public enum Costs implements CostProvider {
  /** Latency by a table of layers. */
  LATENCY("by a table of layers", CostUnit.MILLISECONDS, CostDetail.LAYERS, null),
  /** Latency by a linear model of one space. */
  LINEAR(
      "latency by a linear model of one space, --table FILE.csv",
      CostUnit.MILLISECONDS,
      CostDetail.EXPECTED,
      null),
  /** Multiply-adds. */
  MACS("multiply-adds", CostUnit.MACS, CostDetail.LAYERS, CostDetail.EXPECTED),
  /** Trained scalars. */
  PARAMETERS("trained scalars", CostUnit.PARAMETERS, CostDetail.LAYERS, CostDetail.SAMPLED),
  /** Latency measured of each sampled network; expectations by a table of layers. */
  MEASURED("latency of each sampled network", CostUnit.MILLISECONDS, CostDetail.SAMPLED, null),
  /** Latency by a predictor of cells (LPM), on sampled sub-networks. */
  PREDICTED(
      "latency of cells by a trained predictor", CostUnit.MILLISECONDS, null, CostDetail.EXPECTED);

  /** All of them. */
  public static final Providers<CostProvider> ALL =
      new Providers<>("cost", CostProvider.class, List.of(values()));

  private static final int CALIBRATION_NETWORKS = 8;
  private static final int MOST_SAMPLES = 1_000_000;

  private final String summary;
  private final CostUnit unit;
  private final @Nullable CostDetail ofChains;
  private final @Nullable CostDetail ofCells;

  Costs(
      String summary, CostUnit unit, @Nullable CostDetail ofChains, @Nullable CostDetail ofCells) {
    this.summary = summary;
    this.unit = unit;
    this.ofChains = ofChains;
    this.ofCells = ofCells;
  }

  @Override
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String summary() {
    return summary;
  }

  @Override
  public CostUnit unit() {
    return unit;
  }

  @Override
  public @Nullable CostDetail ofChains() {
    return ofChains;
  }

  @Override
  public @Nullable CostDetail ofCells() {
    return ofCells;
  }

  @Override
  public boolean isMeasurable() {
    return this == LATENCY || measuresSamples() || this == PREDICTED;
  }

  @Override
  public boolean measuresSamples() {
    return this == MEASURED;
  }

  @Override
  public CostModel model(CostRequest request) {
    Path file = request.table();
    return switch (this) {
      case LATENCY, MEASURED -> file == null ? table(request) : LatencyFiles.read(file);
      case PREDICTED -> predictor(request, file);
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

  @Override
  public CostModel read(Path directory, Options options) {
    return switch (this) {
      case LATENCY, MEASURED -> LatencyFiles.read(directory.resolve(LatencyTable.FILE));
      case LINEAR -> LinearCost.read(directory.resolve(LinearCost.FILE));
      case PREDICTED -> PredictedLatency.read(directory.resolve(PredictedLatency.FILE));
      case MACS -> Counts.MACS;
      case PARAMETERS -> Counts.PARAMETERS;
    };
  }

  private static LatencyTable table(CostRequest request) {
    CostRequest.Measuring measuring = request.measuring();
    LatencyMeter meter =
        new LatencyMeter(
            0.02, Duration.ofMillis(150), Duration.ofMillis(100), Duration.ofSeconds(2));
    Progress progress = request.progress();
    LatencyProfiler profiler =
        new LatencyProfiler(
            new LatencyProfile(
                measuring.device(), measuring.threads(), meter, measuring.percentile()),
            (done, total) -> progress.step("latency table", done, total, "measuring layers", 0));
    return switch (request.space()) {
      case Space chain ->
          profiler.measure(chain, measuring.batch(), CALIBRATION_NETWORKS, request.seed());
      case CellNetworkSpace cells -> throw unfit(cells);
    };
  }

  private static SextantException unfit(SearchSpace space) {
    return new SextantException(
        String.format(Locale.ROOT, "space %s: its networks have no such latency", space.name()));
  }

  /** One that was trained before, or of networks measured before, or of some measured now. */
  private static PredictedLatency predictor(CostRequest request, @Nullable Path file) {
    if (!(request.space() instanceof CellNetworkSpace space)) {
      throw unfit(request.space());
    }
    if (file == null) {
      return measured(space, request);
    }
    return file.toString().endsWith(".csv")
        ? PredictedLatency.train(
            CellSamples.read(space.cells(), file), PredictorRecipe.DEFAULT, request.seed())
        : PredictedLatency.read(file);
  }

  private static PredictedLatency measured(CellNetworkSpace space, CostRequest request) {
    CostRequest.Measuring measuring = request.measuring();
    int count = measuring.predictorSamples();
    if (count < PredictedLatency.MIN_SAMPLES || count > MOST_SAMPLES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "predictor-samples: %d is not between %d and %d",
              count,
              PredictedLatency.MIN_SAMPLES,
              MOST_SAMPLES));
    }
    CellLatencies latencies =
        new CellLatencies(
            space.cells(),
            space.width(),
            space.depth(),
            2,
            measuring.threads(),
            measuring.batch(),
            measuring.percentile());
    List<Genotype> genotypes = latencies.sample(count, request.seed());
    long steps = (long) CellLatencies.ROUNDS * genotypes.size();
    CellSamples measured =
        latencies.measure(
            genotypes,
            done -> request.progress().step("predictor", done, steps, "measuring networks", 0));
    PredictedLatency predictor =
        PredictedLatency.train(measured, PredictorRecipe.DEFAULT, request.seed());
    request
        .progress()
        .message(
            String.format(
                Locale.ROOT,
                "predictor %d networks of cells measured, off by %.1f %% on a fifth kept apart",
                count,
                100 * predictor.relativeError()));
    return predictor;
  }
}
