package dev.sextant.nas.search;

import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Shape;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * A search of seconds: 150 built-in images, three choices, a latency table by multiply-adds. Its
 * main method is the process that the tests kill.
 */
public final class TinyRun {
  private static final String DATA = "builtin:150";

  /** In milliseconds of {@link #table}. */
  static final double BUDGET = 0.2;

  private TinyRun() {}

  /** Starts a run in a directory, or resumes it; says each step done. */
  public static void main(String[] args) {
    RunDirectory directory = new RunDirectory(Path.of(args[1]));
    Progress progress =
        new Progress() {
          @Override
          public void step(String stage, long done, long steps, String status, long peakBytes) {
            System.out.println(stage + " " + done);
            System.out.flush();
          }

          @Override
          public void message(String text) {}
        };
    try (SearchRun run =
        args[0].equals("start")
            ? start(
                directory, config(1, args[2], List.of(args).subList(3, args.length)), 0, progress)
            : SearchRun.resume(directory, 0, progress)) {
      run.run();
    }
    System.out.println("end 0");
  }

  /** By a method's name, with options. */
  private static SearchConfig config(long seed, String method, List<String> options) {
    Map<String, String> values = new TreeMap<>();
    options.forEach(
        option -> values.put(option.replaceFirst("=.*", ""), option.replaceFirst("[^=]*=", "")));
    String budget = values.remove("budget");
    return config(
            seed,
            Methods.ALL.named(method).recipe(),
            budget == null ? BUDGET : Double.parseDouble(budget))
        .withOptions(values);
  }

  static SearchRun start(
      RunDirectory directory, SearchConfig config, double checkpointSeconds, Progress progress) {
    return start(directory, setup(config), checkpointSeconds, progress);
  }

  /** The same of another space, say. */
  static SearchRun start(
      RunDirectory directory, SearchSetup setup, double checkpointSeconds, Progress progress) {
    RunDirectory.create(directory.path());
    return SearchRun.start(directory, setup, model(setup), data(), checkpointSeconds, progress);
  }

  /** Runs a process until it says a line, and some milliseconds more; whether it came to that. */
  static boolean kill(
      String how, RunDirectory directory, String method, String line, int later, String... more)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-D%s=%d".formatted(LatencyMeter.MOST_PROPERTY, 20),
                "-cp",
                classPath(),
                TinyRun.class.getName(),
                how,
                directory.path().toString(),
                method));
    command.addAll(List.of(more));
    Process child =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      for (String said = out.readLine(); said != null; said = out.readLine()) {
        if (said.equals(line)) {
          Thread.sleep(later);
          child.destroyForcibly().waitFor();
          return true;
        }
      }
      return false;
    } finally {
      child.destroyForcibly().waitFor();
    }
  }

  private static String classPath() {
    String path = System.getProperty("surefire.test.class.path");
    return path != null
        ? path
        : String.join(File.pathSeparator, System.getProperty("java.class.path"));
  }

  /** Its images. */
  public static ImageDataset data() {
    return Datasets.open(DATA, DataOptions.DEFAULT);
  }

  /** What it is asked to do. */
  public static SearchSetup setup(SearchConfig config) {
    return setup(config, space(data(), config.recipe()));
  }

  static SearchSetup setup(SearchConfig config, SearchSpace space) {
    return new SearchSetup(
        DATA, DataOptions.DEFAULT, space, config, true, Device.parse("cpu"), 1, 1, 1);
  }

  /** What its networks cost. */
  public static CostModel model(SearchSetup setup) {
    return switch (setup.config().recipe().cost()) {
      case Costs.LATENCY, Costs.MEASURED -> table((Space) setup.space());
      case Costs.PREDICTED -> predictor((CellNetworkSpace) setup.space());
      case CostProvider other ->
          other.model(
              new CostRequest(
                  setup.space(),
                  null,
                  setup.config().optionsOf(other),
                  new CostRequest.Measuring(setup.device(), 1, 1, 20),
                  1,
                  Progress.NONE));
    };
  }

  /** Cells of two nodes, or the chain. */
  static SearchSpace space(ImageDataset data, Recipe recipe) {
    boolean partial =
        recipe instanceof Recipe.InSupernet<?, ?> searched
            && searched.supernet() == SupernetKind.PARTIAL_CELLS;
    if (!recipe.hasCells() && recipe.cost() != Costs.PREDICTED) {
      return space(data);
    }
    List<Op> ops =
        List.of(
            new Op(Kind.ZERO, 0),
            new Op(Kind.MAX_POOL, 3),
            new Op(Kind.IDENTITY, 0),
            new Op(Kind.SEPARABLE, 3));
    Architecture.Input input = new Architecture.Input(data.height(), data.width(), data.channels());
    CellSpace cells = new CellSpace(input, data.classes(), 2, ops, 4, 3, partial ? 2 : 1, partial);
    return new CellNetworkSpace("tiny-cells", cells, 4, 3);
  }

  /** Trained on 200 cells whose latencies are a formula: 0.11 to 0.35 ms. */
  private static PredictedLatency predictor(CellNetworkSpace space) {
    CellLatencies latencies = new CellLatencies(space.cells(), 4, 3, 2, 1, 1);
    List<Genotype> genotypes = latencies.sample(200, 1);
    double[] ms = genotypes.stream().mapToDouble(TinyRun::formula).toArray();
    return PredictedLatency.train(
        new CellSamples(space.cells(), 2, genotypes, ms),
        PredictorRecipe.DEFAULT.withEpochs(40),
        1);
  }

  private static double formula(Genotype genotype) {
    double ms = 0.1;
    for (int stride = 1; stride <= 2; stride++) {
      for (Cell.Node node : genotype.nodes(stride)) {
        for (Cell.Edge edge : node.edges()) {
          ms += edge.op().kind() == Kind.SEPARABLE ? 0.03 : 0.01 / stride;
        }
      }
    }
    return ms;
  }

  private static Space space(ImageDataset data) {
    String block = "{\"op\": \"mbconv\", \"kernel\": %d, \"expand\": %d, \"act\": \"relu6\"}";
    return Space.parse(
            """
            {"format": "sextant-space/1", "name": "tiny", "classes": 10,
             "input": {"height": 28, "width": 28, "channels": 1},
             "layers": [
               {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
               {"choice": [%s, %s, %s, %s, {"op": "skip"}], "out": 12, "stride": 2, "repeat": 3},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
            """
                .formatted(
                    block.formatted(3, 2),
                    block.formatted(5, 3),
                    block.formatted(3, 3),
                    block.formatted(5, 2)),
            "tiny")
        .withInput(
            new Architecture.Input(data.height(), data.width(), data.channels()), data.classes());
  }

  static LatencyTable table(Space space) {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      List<Layer> layers =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> List.of(fixed.layer());
            case Position.Choice choice -> choice.candidates();
          };
      for (Layer layer : layers) {
        double ms = 0.01 + 1e-6 * layer.macs(inputs[i]);
        entries.put(new Key(layer, inputs[i]), new Entry(ms, ms, 1));
      }
    }
    return new LatencyTable(new Setting("test", "sextant", "cpu", 1, 1), 0, 1, entries);
  }

  /** One warm-up epoch and two joint ones, retraining, one network of random search. */
  static SearchConfig config(long seed) {
    return config(seed, 0.1, 4e-5, GateMode.RECOMPUTE);
  }

  static SearchConfig config(long seed, double rate, double weightDecay, GateMode gates) {
    return config(seed, PublishedMethod.PROXYLESS_G.recipe(), rate, weightDecay, gates, BUDGET);
  }

  /** The same by another method, or a combination of its own. */
  public static SearchConfig config(long seed, Recipe recipe) {
    return config(seed, recipe, BUDGET);
  }

  static SearchConfig config(long seed, Recipe recipe, double budget) {
    return config(seed, recipe, 0.1, 4e-5, GateMode.RECOMPUTE, budget);
  }

  private static SearchConfig config(
      long seed, Recipe recipe, double rate, double weightDecay, GateMode gates, double budget) {
    DescentConfig descent = new DescentConfig(0.9, weightDecay, recipe.hasCells() ? 5 : 0);
    double dropPath = recipe.hasCells() ? 0.2 : 0;
    // What was learnt is kept where it can be.
    boolean keeps = !recipe.hasCells() && !(recipe instanceof Recipe.Random);
    TeacherConfig teacher = keeps ? new TeacherConfig(0.5, 4) : TeacherConfig.NONE;
    SearchConfig config =
        SearchConfig.of(recipe, budget)
            .withSeed(seed)
            .withImages(
                new SearchImages(recipe.hasCells() ? 0.5 : 1, 0.2),
                new BatchConfig(12, "light", 0.1))
            .withRetraining(
                new Retraining(1, rate, keeps, new Regularization(0.1, dropPath, 0), teacher))
            .withRandomSamples(1);
    return config
        .withWeights(config.weights().withEpochs(1, 2).withRates(rate, rate / 2, 0), descent)
        .withArchitecture(
            config
                .architecture()
                .withInterval(1)
                .withRate(0.05)
                .withSamples(recipe instanceof Recipe.Scored<?> ? 24 : 2)
                .withGates(gates)
                .withSecondOrder(recipe.hasCells()))
        .withBudget(config.budget().withNoise(recipe.hasCells() ? 0.01 : 0));
  }
}
