package dev.sextant.cli;

import dev.sextant.cli.options.Doubts;
import dev.sextant.cli.options.ImageSize;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cost.Fleet;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.predict.LinearPredictor;
import dev.sextant.nas.predict.NasBench201;
import dev.sextant.nas.predict.PredictionError;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sextant predictor}. */
@Command(
    name = "predictor",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Trains a latency predictor on four fifths of measured networks and prints its error on the"
            + " rest for each size of the training set, that of a sum over edges beside it. The"
            + " networks are random DARTS cells measured now on this machine, or those of a file.")
final class PredictorCommand implements Runnable {
  private static final double TRAIN_SHARE = 0.8;

  /** With fewer there is nothing to split. */
  private static final int MIN_MEASURED = 10;

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  /** Where latencies come from. */
  static final class Source {
    @Option(
        names = "--measure",
        paramLabel = "N",
        description = "measure that many random cells, one image at a time on one thread")
    private int measure;

    @Option(
        names = "--csv",
        paramLabel = "FILE",
        description =
            "cells measured before (columns cell and ms), or those of NAS-Bench-201 (column arch,"
                + " and one of ms for each device)")
    private @Nullable Path csv;
  }

  @Option(names = "--device", paramLabel = "NAME", description = "column of a NAS-Bench-201 file")
  private @Nullable String device;

  @Option(
      names = "--save",
      paramLabel = "FILE",
      description = "where to write what was measured (CSV)")
  private @Nullable Path save;

  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      defaultValue = "32x32x3",
      converter = ImageSize.Converter.class,
      description = "images of the measured networks; default: ${DEFAULT-VALUE}")
  private Architecture.Input input = new Architecture.Input(32, 32, 3);

  @Option(
      names = "--classes",
      defaultValue = "10",
      description = "of the measured networks; default: ${DEFAULT-VALUE}")
  private int classes;

  @Option(
      names = "--width",
      defaultValue = "16",
      description = "channels of their first cells; default: ${DEFAULT-VALUE}")
  private int width;

  @Option(
      names = "--depth",
      defaultValue = "8",
      description = "their cells; default: ${DEFAULT-VALUE}")
  private int depth;

  @Option(
      names = "--cells",
      defaultValue = "normal",
      description =
          "which cells vary: normal (the paper; reduction cells are pooling) or both; default:"
              + " ${DEFAULT-VALUE}")
  private Types types = Types.NORMAL;

  @Option(
      names = "--nodes",
      defaultValue = "4",
      description = "of their cells; default: ${DEFAULT-VALUE}")
  private int nodes;

  @Option(
      names = "--train",
      split = ",",
      paramLabel = "N",
      description = "sizes of the training set; default: the largest")
  private List<Integer> sizes = new ArrayList<>();

  @Option(
      names = "--recipe",
      defaultValue = "default",
      description =
          "${COMPLETION-CANDIDATES}: ours, or that of Latency-Aware DARTS; default:"
              + " ${DEFAULT-VALUE}")
  private Recipe recipe = Recipe.DEFAULT;

  @Option(names = "--epochs", paramLabel = "N", description = "instead of the recipe's")
  private @Nullable Integer epochs;

  @Option(names = "--seed", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "where to write the last predictor (safetensors)")
  private @Nullable Path out;

  @Option(
      names = "--master",
      paramLabel = "ADDRESS",
      description =
          "with --measure, of a Spark cluster whose machines measure shares (needs Sextant's Spark"
              + " part)")
  private @Nullable String master;

  @Option(
      names = "--accept-noisy",
      description = "use what was measured although it was disturbed, as it says")
  private boolean acceptNoisy;

  /** Most time for each of many networks, as for the layers of a table. */
  private static final double FLEET_SECONDS = 0.2;

  private String encoding = "";
  private List<String> doubts = List.of();

  /** Which cells vary. */
  enum Types {
    NORMAL,
    BOTH;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How it is trained. */
  enum Recipe {
    DEFAULT(PredictorRecipe.DEFAULT),
    PAPER(PredictorRecipe.PAPER);

    private final PredictorRecipe recipe;

    Recipe(PredictorRecipe recipe) {
      this.recipe = recipe;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public void run() {
    LatencySamples samples = samples();
    LatencySamples.Split split = samples.split(TRAIN_SHARE, seed);
    System.out.printf(
        Locale.ROOT,
        "%d networks of %.4f ms on average: %d to train on, %d to test%n",
        samples.count(),
        Arrays.stream(samples.ms()).average().orElse(0),
        split.train().count(),
        split.test().count());
    compare(split);
  }

  private LatencySamples samples() {
    if (device != null && source.csv == null) {
      throw new SextantException("--device: names a column of a file, and there is none");
    }
    if (master != null && source.csv != null) {
      throw new SextantException("--master: a cluster measures (--measure), it reads no file");
    }
    if (source.csv != null && device != null) {
      encoding = "nas-bench-201";
      return NasBench201.read(source.csv, device);
    }
    CellSpace space =
        new CellSpace(
            input,
            classes,
            nodes,
            CellSpace.DARTS_OPS,
            Math.max(2, width / 2 * 2),
            depth,
            1,
            false);
    CellLatencies latencies = new CellLatencies(space, width, depth, types.ordinal() + 1, 1, 1);
    encoding = String.format(Locale.ROOT, "darts-%s-cell", types);
    if (source.csv != null) {
      CellSamples read = CellSamples.read(space, source.csv);
      judge(read, OutputOptions.console());
      return read.encoded();
    }
    if (source.measure < MIN_MEASURED) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "--measure: %d is not at least %d", source.measure, MIN_MEASURED));
    }
    List<Genotype> cells = latencies.sample(source.measure, seed);
    Progress progress = OutputOptions.console();
    if (master != null) {
      return keep(measuredElsewhere(latencies, cells, master, progress), progress);
    }
    long steps = (long) CellLatencies.ROUNDS * cells.size();
    CellSamples measured =
        latencies.measure(cells, done -> progress.step("measure", done, steps, "", 0));
    judge(measured, progress);
    return keep(measured, progress);
  }

  private static CellSamples measuredElsewhere(
      CellLatencies latencies, List<Genotype> cells, String master, Progress progress) {
    try (Cluster cluster = ClusterProvider.open(master, 1)) {
      Fleet fleet = new Fleet(cluster, Device.CPU, 1, FLEET_SECONDS, progress::message);
      return latencies.samples(
          cells, fleet.measure(cells.stream().map(latencies::network).toList(), 1));
    }
  }

  private LatencySamples keep(CellSamples measured, Progress progress) {
    if (save != null) {
      measured.write(save);
      progress.message("written to " + save);
    }
    return measured.encoded();
  }

  private void judge(CellSamples samples, Progress progress) {
    doubts = samples.doubts();
    Doubts.judge(doubts, acceptNoisy, progress);
  }

  /** One row for each size of the training set. */
  private void compare(LatencySamples.Split split) {
    if (sizes.isEmpty()) {
      sizes = List.of(split.train().count());
    }
    System.out.println(
        "          |----------- perceptron ------------------------------|"
            + "------------ linear -------------------|");
    System.out.println(
        "    train   abs. ms   rel. %   ±5 %   ±10 %       ρ   seconds"
            + "   abs. ms   rel. %   ±5 %   ±10 %       ρ");
    for (int size : sizes) {
      if (size < 1 || size > split.train().count()) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "--train: %d is not between 1 and the %d there are",
                size,
                split.train().count()));
      }
      row(split.train().first(size), split.test(), size == sizes.getLast());
    }
  }

  private void row(LatencySamples train, LatencySamples test, boolean last) {
    PredictorRecipe chosen = epochs == null ? recipe.recipe : recipe.recipe.withEpochs(epochs);
    long start = System.nanoTime();
    try (LatencyPredictor predictor = LatencyPredictor.train(train, chosen, seed)) {
      double seconds = (System.nanoTime() - start) / 1e9;
      PredictionError error = PredictionError.of(predictor.predict(test.features()), test.ms());
      PredictionError linear =
          PredictionError.of(LinearPredictor.fit(train).predict(test.features()), test.ms());
      System.out.printf(
          Locale.ROOT, "%9d%s%10.1f%s%n", train.count(), text(error), seconds, text(linear));
      if (last && out != null) {
        predictor.write(
            out,
            Map.of("encoding", encoding, PredictedLatency.DOUBTS, PredictedLatency.text(doubts)));
        System.out.println("written to " + out);
      }
    }
  }

  private static String text(PredictionError error) {
    return String.format(
        Locale.ROOT,
        "%10.4f%9.2f%7.1f%8.1f%8.4f",
        error.absoluteMs(),
        100 * error.relative(),
        100 * error.within5(),
        100 * error.within10(),
        error.spearman());
  }
}
