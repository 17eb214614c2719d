package dev.sextant.cli;

import dev.sextant.cli.options.ImageSize;
import dev.sextant.cli.options.PercentileConverter;
import dev.sextant.cli.options.ThreadsConverter;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.cost.Fleet;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyProfiler;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sextant profile}. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Measures a latency table for this machine, or checks one: predicted against measured"
            + " latency of random networks.")
final class ProfileCommand implements Runnable {
  private static final double GOAL = 0.02;
  private static final int CALIBRATION_NETWORKS = 8;

  /** The check must not draw the networks that the table was calibrated on. */
  private static final long CHECK_SEED = 1_000_003;

  @Option(
      names = "--space",
      required = true,
      paramLabel = "NAME|FILE",
      description = "built-in name or JSON file of the search space")
  private String space = "";

  @ArgGroup(multiplicity = "1")
  private Target target = new Target();

  private static final class Target {
    @Option(
        names = "--out",
        required = true,
        paramLabel = "FILE",
        description = "measure, and write the table here: .csv as CSV, anything else as JSON")
    private @Nullable Path out;

    @Option(
        names = "--table",
        required = true,
        paramLabel = "FILE",
        description = "check this table instead of measuring one")
    private @Nullable Path table;
  }

  @Option(
      names = "--check",
      paramLabel = "N",
      defaultValue = "0",
      description = "random networks to compare predictions on; default: ${DEFAULT-VALUE}")
  private int check;

  @Option(
      names = "--threads",
      converter = ThreadsConverter.class,
      description = "of inference; default: 1, or those of the table checked")
  private @Nullable Integer threads;

  @Option(
      names = "--batch",
      description = "images at once; default: 1, or those of the table checked")
  private @Nullable Integer batch;

  @Option(
      names = "--percentile",
      converter = PercentileConverter.class,
      description =
          "p50, p90 or p99 of whole networks, for budgets such as 2ms@p99; default: p50, or that of"
              + " the table checked")
  private @Nullable Percentile percentile;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu or cuda; default: ${DEFAULT-VALUE}")
  private String device = "";

  @Option(
      names = "--seconds",
      defaultValue = "0.2",
      description =
          "most time for warming up, and again for measuring, in each of several passes; default:"
              + " ${DEFAULT-VALUE}")
  private double seconds;

  @Option(
      names = "--master",
      paramLabel = "ADDRESS",
      description =
          "of a Spark cluster whose machines measure shares of the layers, to be merged (needs"
              + " Sextant's Spark part)")
  private @Nullable String master;

  @Mixin private ImageSize size = new ImageSize();

  @Override
  public void run() {
    if (check < 0 || check > 100_000) {
      throw new SextantException(
          String.format(Locale.ROOT, "check: %d is not between 0 and 100000", check));
    }
    if (!(seconds > 0 && seconds <= 3600)) {
      throw new SextantException(
          String.format(Locale.ROOT, "seconds: %s is not between 0 and 3600", seconds));
    }
    if (master != null && (target.table != null || percentile != null)) {
      throw new SextantException(
          "master: a cluster measures a table of medians (neither --table nor --percentile)");
    }
    if (target.table != null && check == 0) {
      throw new SextantException("table: give --check N to say how many networks to compare");
    }
    if (!(size.of(Networks.space(space)) instanceof Space searched)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "space %s: networks of cells have no table of layers; see `sextant predictor`",
              space));
    }
    LatencyTable latencies;
    if (target.table != null) {
      latencies = LatencyFiles.read(target.table);
      agree("threads", threads, latencies.setting().threads());
      agree("batch", batch, latencies.setting().batch());
      agree("percentile", percentile, latencies.setting().percentile());
      latencies.costs(searched);
    } else {
      latencies = measured(searched, checkedOut());
    }
    if (check > 0) {
      compare(latencies, searched);
    }
  }

  /** A table holds for its own threads and batch alone. */
  private static void agree(String option, @Nullable Object asked, Object ofTable) {
    if (asked != null && !asked.equals(ofTable)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %s was asked for, the table is for %s", option, asked, ofTable));
    }
  }

  /** Known to be writable before minutes are spent on what goes there. */
  private Path checkedOut() {
    Path out = target.out;
    if (out == null) {
      throw new IllegalStateException("neither --out nor --table");
    }
    Path directory = out.toAbsolutePath().getParent();
    if (directory == null || Files.isDirectory(out)) {
      throw new SextantException(out + ": cannot be written, it is a directory");
    }
    if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: cannot be written, %s is no directory that can be written to",
              out,
              directory));
    }
    return out;
  }

  private LatencyTable measured(Space searched, Path out) {
    Progress progress = OutputOptions.console();
    if (master != null) {
      try (Cluster cluster = ClusterProvider.open(master, 1)) {
        Fleet fleet =
            new Fleet(
                cluster,
                Device.parse(device),
                threads == null ? 1 : threads,
                seconds,
                progress::message);
        return written(
            fleet.table(searched, batch == null ? 1 : batch, CALIBRATION_NETWORKS, 0),
            out,
            progress);
      }
    }
    LatencyProfiler profiler =
        new LatencyProfiler(
            profile(
                threads == null ? 1 : threads, percentile == null ? Percentile.P50 : percentile),
            (done, total) -> progress.step("latency table", done, total, "measuring layers", 0));
    return written(
        profiler.measure(searched, batch == null ? 1 : batch, CALIBRATION_NETWORKS, 0),
        out,
        progress);
  }

  private static LatencyTable written(LatencyTable table, Path out, Progress progress) {
    LatencyFiles.write(table, out);
    progress.message(
        String.format(
            Locale.ROOT,
            "table     %d entries, overhead %.4f ms, scale %.4f: written to %s",
            table.entries().size(),
            table.overheadMs(),
            table.scale(),
            out));
    table.doubts().forEach(doubt -> progress.message("doubtful  " + doubt));
    return table;
  }

  private LatencyProfile profile(int workers, Percentile ofNetworks) {
    Duration limit = Duration.ofNanos((long) (seconds * 1e9));
    return new LatencyProfile(
        Device.parse(device),
        workers,
        new LatencyMeter(GOAL, limit, limit, Duration.ofSeconds(2)),
        ofNetworks);
  }

  private void compare(LatencyTable latencies, Space searched) {
    Progress progress = OutputOptions.console();
    LatencyProfiler profiler =
        new LatencyProfiler(
            profile(latencies.setting().threads(), latencies.setting().percentile()),
            (done, total) -> progress.step("check", done, total, "measuring networks", 0));
    List<LatencyProfiler.Check> compared = profiler.check(latencies, searched, check, CHECK_SEED);
    System.out.println("predicted ms  measured ms    error");
    double squares = 0;
    double relative = 0;
    double signed = 0;
    for (LatencyProfiler.Check c : compared) {
      System.out.printf(
          Locale.ROOT,
          "%12.4f %12.4f %+7.2f%%%n",
          c.predictedMs(),
          c.measuredMs(),
          100 * c.relativeError());
      double difference = c.predictedMs() - c.measuredMs();
      squares += difference * difference;
      relative += Math.abs(c.relativeError());
      signed += c.relativeError();
    }
    System.out.printf(
        Locale.ROOT,
        "RMSE %.4f ms, mean relative error %.2f%%, bias %+.2f%% over %d networks%n",
        Math.sqrt(squares / compared.size()),
        100 * relative / compared.size(),
        100 * signed / compared.size(),
        compared.size());
  }
}
