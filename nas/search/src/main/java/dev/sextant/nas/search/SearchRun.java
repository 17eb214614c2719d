package dev.sextant.nas.search;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.report.Report;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A run from images to a measured network: search, derivation, retraining, and the same budget
 * spent on random search. Goes on from its last checkpoint after whatever ended it, to the same
 * bits.
 *
 * <p>Confined to one thread.
 */
public final class SearchRun implements AutoCloseable {
  /** How far from the budget a derived network may be predicted: half of what measuring may add. */
  private static final double TOLERANCE = 0.015;

  /** Among the results once all of them are there. */
  private static final String FINISHED = "finished";

  private static final LatencyMeter METER =
      new LatencyMeter(0.015, Duration.ofMillis(500), Duration.ofMillis(500));

  /** The validation split does not depend on the seed of the search, as in the published code. */
  private static final long SPLIT_SEED = 0;

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  private final RunDirectory directory;
  private final RunDirectory.Setup setup;
  private final SearchConfig config;
  private LatencyTable table;
  private ExpectedCost cost;
  private final ImageDataset data;
  private final Split split;
  private final Backend backend;
  private final Classification classification;
  private final EventLog events;
  private final Progress progress;
  private final long checkpointNanos;
  private final JsonObject results;
  private Stage stage;
  private long lastCheckpoint = System.nanoTime();
  private long lastTick = System.nanoTime();

  /**
   * Starts a run in an empty directory.
   *
   * @param table which must price every candidate of the space
   * @param data what {@code setup} names, opened
   * @param checkpointSeconds between checkpoints
   * @throws SextantException if the budget is out of the space's range, with that range
   */
  public static SearchRun start(
      RunDirectory directory,
      RunDirectory.Setup setup,
      LatencyTable table,
      ImageDataset data,
      double checkpointSeconds,
      Progress progress) {
    check(setup, table);
    Backend backend = Backends.open(setup.device(), setup.threads());
    try {
      return directory.begin(
          () -> {
            directory.write(setup);
            LatencyFiles.write(table, directory.latency());
            return new SearchRun(
                directory, setup, table, data, backend, null, checkpointSeconds, progress);
          });
    } catch (RuntimeException e) {
      backend.close();
      throw e;
    }
  }

  /**
   * Continues a run from its last checkpoint, or from its beginning if it made none.
   *
   * @throws SextantException if the directory holds no run or a file of it is damaged
   */
  public static SearchRun resume(
      RunDirectory directory, double checkpointSeconds, Progress progress) {
    RunDirectory.Setup setup = directory.read();
    LatencyTable table = LatencyFiles.read(directory.latency());
    ImageDataset data = Datasets.open(setup.dataSource(), setup.dataOptions());
    Backend backend = Backends.open(setup.device(), setup.threads());
    try {
      Checkpoint checkpoint =
          Files.exists(directory.checkpoint())
              ? Checkpoint.read(directory.checkpoint(), backend)
              : null;
      return new SearchRun(
          directory, setup, table, data, backend, checkpoint, checkpointSeconds, progress);
    } catch (RuntimeException e) {
      backend.close();
      throw e;
    }
  }

  private SearchRun(
      RunDirectory directory,
      RunDirectory.Setup setup,
      LatencyTable table,
      ImageDataset data,
      Backend backend,
      @Nullable Checkpoint checkpoint,
      double checkpointSeconds,
      Progress progress) {
    this.directory = directory;
    this.setup = setup;
    this.config = setup.config();
    this.table = table;
    this.cost = table.costs(setup.space());
    this.data = data;
    this.backend = backend;
    this.progress = progress;
    checkData();
    checkpointNanos = (long) (checkpointSeconds * 1e9);
    split = Split.stratified(data.train(), config.validationFraction(), SPLIT_SEED);
    classification = new Classification(backend, setup.space().input());
    results = checkpoint == null ? new JsonObject() : checkpoint.get("results").getAsJsonObject();
    events =
        new EventLog(
            directory.events(), checkpoint == null ? 0 : checkpoint.get("events").getAsLong());
    stage = open(checkpoint == null ? "search" : checkpoint.get("stage").getAsString());
    if (checkpoint != null) {
      try {
        stage.load(checkpoint);
      } catch (RuntimeException e) {
        stage.close();
        events.close();
        throw e;
      }
    }
  }

  /**
   * Checks that some network of the space meets the budget.
   *
   * @throws SextantException with the range of the space if none does
   */
  public static void check(RunDirectory.Setup setup, LatencyTable table) {
    ExpectedCost cost = table.costs(setup.space());
    double budget = setup.config().budgetMs();
    boolean tooLarge = budget > cost.maximum() * (1 + TOLERANCE) && !setup.config().ceiling();
    if (budget < cost.minimum() || tooLarge) {
      throw new SextantException(
          "budget: no network of %s takes %.4g ms; they take %.4g to %.4g ms on this machine"
              .formatted(setup.space().name(), budget, cost.minimum(), cost.maximum()));
    }
  }

  private void checkData() {
    Architecture.Input input = setup.space().input();
    if (input.height() != data.height()
        || input.width() != data.width()
        || input.channels() != data.channels()
        || setup.space().classes() != data.classes()) {
      throw new SextantException(
          "%s: images of %dx%dx%d in %d classes do not fit the run's %dx%dx%d in %d"
              .formatted(
                  data.name(),
                  data.height(),
                  data.width(),
                  data.channels(),
                  data.classes(),
                  input.height(),
                  input.width(),
                  input.channels(),
                  setup.space().classes()));
    }
  }

  /**
   * Runs to the end; of a run that had come to its end, the result.
   *
   * @throws SextantException if the search goes wrong, naming the cause; the last good checkpoint
   *     stays
   */
  public SearchResult run() {
    while (!results.has(FINISHED)) {
      while (stage.done() < stage.steps()) {
        backend.memory().resetPeaks();
        stage.step();
        progress.step(
            stage.name(), stage.done(), stage.steps(), stage.status(), backend.memory().peak());
        if (System.nanoTime() - lastCheckpoint > checkpointNanos) {
          checkpoint();
        }
      }
      tick();
      Stage next = finish(stage);
      if (next == null) {
        results.addProperty(FINISHED, true);
        writeResult();
      } else {
        stage.close();
        stage = next;
      }
      checkpoint();
    }
    Report.write(directory);
    return result();
  }

  private void checkpoint() {
    tick();
    Checkpoint checkpoint = Checkpoint.empty(backend);
    checkpoint.state().addProperty("stage", stage.name());
    checkpoint.state().add("results", results);
    checkpoint.state().addProperty("events", events.length());
    stage.save(checkpoint);
    checkpoint.write(directory.checkpoint());
    lastCheckpoint = System.nanoTime();
  }

  /** Adds the time since the last call to the stage's seconds, which survive a resume. */
  private void tick() {
    long now = System.nanoTime();
    String key = "seconds." + stage.name();
    double seconds = results.has(key) ? results.get(key).getAsDouble() : 0;
    results.addProperty(key, seconds + (now - lastTick) * 1e-9);
    lastTick = now;
  }

  // ---- stages, in the order they run: search, retrain, random-1 ... random-K, random-retrain

  private Stage open(String name) {
    if (name.equals("search")) {
      return new SupernetStage(setup.space(), config, cost, data, split, classification, events);
    }
    if (name.equals("retrain")) {
      return training(name, decisions("found"), allTraining(), new int[0], config.retrainEpochs());
    }
    if (name.equals("random-retrain")) {
      return training(name, decisions("random"), allTraining(), new int[0], config.retrainEpochs());
    }
    int sample = Integer.parseInt(name.substring("random-".length()));
    return training(
        name, randomDecisions(sample), split.train(), split.validation(), randomEpochs(sample));
  }

  private TrainingStage training(
      String name, int[] decisions, int[] train, int[] evaluation, int epochs) {
    TrainingStage.Plan plan =
        new TrainingStage.Plan(
            name,
            setup.space().derive(decisions),
            train,
            evaluation,
            config.training(epochs, Rng.of(config.seed(), name.hashCode()).nextLong()));
    return new TrainingStage(plan, data, classification, events);
  }

  private int[] allTraining() {
    return IntStream.range(0, data.train().count()).toArray();
  }

  private int[] randomDecisions(int sample) {
    return RandomArchitectures.sample(
        cost, config.budgetMs(), TOLERANCE, config.ceiling(), Rng.of(config.seed(), 41, sample));
  }

  /** The search's epochs shared out: the same number of training images for both. */
  private int randomEpochs(int sample) {
    int total = config.warmupEpochs() + config.epochs();
    int samples = randomSamples();
    return total / samples + (sample <= total % samples ? 1 : 0);
  }

  private int randomSamples() {
    return Math.min(config.randomSamples(), config.warmupEpochs() + config.epochs());
  }

  /** Records a stage's results; returns the next stage, or null after the last. */
  private @Nullable Stage finish(Stage finished) {
    return switch (finished) {
      case SupernetStage search -> finishSearch(search);
      case TrainingStage training when training.name().equals("retrain") -> {
        Weights weights = training.trained();
        weights.write(directory.weights());
        record("found", training, weights);
        yield randomSamples() > 0 ? open("random-1") : null;
      }
      case TrainingStage training when training.name().equals("random-retrain") -> {
        record("random", training, training.trained());
        yield null;
      }
      case TrainingStage sample -> finishSample(sample);
      default -> throw new IllegalStateException("unknown stage " + finished.name());
    };
  }

  private Stage finishSearch(SupernetStage search) {
    double[][] probabilities = search.probabilities();
    int[] decisions = derive(probabilities);
    results.addProperty("expectedMs", search.expectedMs());
    results.addProperty("strength", search.strength());
    results.addProperty(
        "constrained", !Arrays.equals(decisions, Derivation.mostProbable(probabilities)));
    results.addProperty("weightStepPeakBytes", search.weightPeak());
    results.addProperty("architectureStepPeakBytes", search.architecturePeak());
    results.add("found.decisions", GSON.toJsonTree(decisions));
    results.add("alphas", GSON.toJsonTree(search.alphaValues()));
    Architecture architecture = setup.space().derive(decisions);
    RunDirectory.write(directory.architecture(), architecture.toJson());
    TrainingStage retrain = (TrainingStage) open("retrain");
    if (config.inheritWeights()) {
      retrain.inherit(search.inherited(decisions));
    }
    return retrain;
  }

  /** With a table of the user's, what it predicts stands; else measured, and the table refined. */
  private int[] derive(double[][] probabilities) {
    BudgetDerivation derivation = new BudgetDerivation(setup.space(), config, TOLERANCE, progress);
    if (setup.tableGiven()) {
      return derivation.predicted(probabilities, table).decisions();
    }
    BudgetDerivation.Derived derived = derivation.measured(probabilities, table, this::measure);
    table = derived.table();
    cost = table.costs(setup.space());
    LatencyFiles.write(table, directory.latency());
    return derived.decisions();
  }

  private @Nullable Stage finishSample(TrainingStage sample) {
    int index = Integer.parseInt(sample.name().substring("random-".length()));
    double best =
        results.has("random.validationAccuracy")
            ? results.get("random.validationAccuracy").getAsDouble()
            : -1;
    if (sample.evaluationAccuracy() > best) {
      results.addProperty("random.validationAccuracy", sample.evaluationAccuracy());
      results.add("random.decisions", GSON.toJsonTree(randomDecisions(index)));
    }
    return open(index < randomSamples() ? "random-" + (index + 1) : "random-retrain");
  }

  private int[] decisions(String who) {
    JsonArray array = results.get(who + ".decisions").getAsJsonArray();
    return array.asList().stream().mapToInt(element -> element.getAsInt()).toArray();
  }

  // ---- what is measured of a trained network

  private void record(String who, TrainingStage training, Weights weights) {
    Architecture architecture = setup.space().derive(decisions(who));
    double accuracy = testAccuracy(architecture, weights);
    double measured = measure(architecture);
    results.addProperty(who + ".predictedMs", table.predict(architecture));
    results.addProperty(who + ".measuredMs", measured);
    results.addProperty(who + ".testAccuracy", accuracy);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", training.name());
    fields.addProperty("predictedMs", table.predict(architecture));
    fields.addProperty("measuredMs", measured);
    fields.addProperty("testAccuracy", accuracy);
    events.emit("trained", fields);
  }

  private double testAccuracy(Architecture architecture, Weights weights) {
    return Evaluation.accuracy(architecture, weights, data.test(), setup.device(), setup.threads());
  }

  private double measure(Architecture architecture) {
    return new LatencyProfile(setup.device(), table.setting().threads(), METER)
        .network(architecture, table.setting().batch())
        .medianMs();
  }

  private SearchResult result() {
    return new SearchResult(
        found("found", seconds("search") + seconds("retrain")),
        randomSamples() > 0 ? found("random", randomSeconds()) : null,
        results.get("expectedMs").getAsDouble(),
        results.get("strength").getAsDouble(),
        results.get("constrained").getAsBoolean(),
        results.get("weightStepPeakBytes").getAsLong(),
        results.get("architectureStepPeakBytes").getAsLong());
  }

  private void writeResult() {
    JsonObject file = results.deepCopy();
    file.remove(FINISHED);
    file.addProperty("budgetMs", config.budgetMs());
    RunDirectory.write(directory.result(), GSON.toJson(file) + "\n");
  }

  private SearchResult.Found found(String who, double seconds) {
    return new SearchResult.Found(
        setup.space().derive(decisions(who)),
        results.get(who + ".predictedMs").getAsDouble(),
        results.get(who + ".measuredMs").getAsDouble(),
        results.get(who + ".testAccuracy").getAsDouble(),
        seconds);
  }

  private double randomSeconds() {
    double sum = seconds("random-retrain");
    for (int i = 1; i <= randomSamples(); i++) {
      sum += seconds("random-" + i);
    }
    return sum;
  }

  private double seconds(String stageName) {
    String key = "seconds." + stageName;
    return results.has(key) ? results.get(key).getAsDouble() : 0;
  }

  /** Stops threads and frees memory; the run can be resumed. Idempotent. */
  @Override
  public void close() {
    stage.close();
    events.close();
    backend.close();
  }
}
