package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import dev.sextant.nas.checkpoint.EventLog;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.stage.Classification;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which stage of a run follows which, and what each of them leaves.
 *
 * <p>With a supernet: search, retrain, then random-1 ... random-K and random-retrain, the baseline.
 * Without one, random-1 ... random-K are the search, and retrain follows them.
 */
final class RunStages {
  /** How far from the budget a derived network may be predicted: half of what measuring may add. */
  static final double TOLERANCE = 0.01;

  /** How far from it a random network may measure; so often another one is drawn. */
  private static final double MEASURED_TOLERANCE = 0.02;

  private static final int DRAWS = 8;

  /** The validation split does not depend on the seed of the search, as in the published code. */
  private static final long SPLIT_SEED = 0;

  /** A measurement waits no longer for a quiet machine than this part of the run so far. */
  private static final double PATIENCE = 0.03;

  private static final Duration MOST_PATIENCE = Duration.ofSeconds(10);

  /** For rewards, of which many average out. */
  private static final LatencyMeter QUICK_METER =
      new LatencyMeter(0.03, Duration.ofMillis(30), Duration.ofMillis(60), Duration.ZERO);

  private final RunDirectory directory;
  private final SearchSetup setup;
  private final SearchSpace space;
  private final SearchConfig config;
  private final ImageDataset data;
  private final Split split;
  private final Classification classification;
  private final EventLog events;
  private final Progress progress;
  private final RunResults results;
  private Pricing pricing;

  RunStages(
      RunDirectory directory,
      SearchSetup setup,
      CostModel model,
      ImageDataset data,
      Classification classification,
      EventLog events,
      Progress progress,
      RunResults results) {
    this.directory = directory;
    this.setup = setup;
    space = setup.space();
    config = setup.config();
    pricing = Pricing.of(model, space);
    this.data = data;
    split = Split.stratified(data.train(), config.validationFraction(), SPLIT_SEED);
    this.classification = classification;
    this.events = events;
    this.progress = progress;
    this.results = results;
  }

  /** The name of the first stage. */
  String first() {
    return isRandom() ? "random-1" : "search";
  }

  private boolean isRandom() {
    return config.recipe().supernet() == Recipe.SupernetKind.NONE;
  }

  /** Makes a stage ready to run from its beginning. */
  RunStage open(String name) {
    return switch (name) {
      case "search" -> search();
      case "retrain" -> retraining(name, "found");
      case "random-retrain" -> retraining(name, "random");
      default -> {
        int sample = Integer.parseInt(name.substring("random-".length()));
        yield training(
            name, drawn(name, sample), split.train(), split.validation(), randomEpochs(sample));
      }
    };
  }

  private RunStage search() {
    Cost sampled =
        config.recipe().cost() == Recipe.CostKind.MEASURED
            ? new MeasuredCost(space, network -> measure(network, QUICK_METER))
            : pricing::of;
    Assembly assembly = new Assembly(config, classification.backend(), space, pricing, sampled);
    return new SupernetStage(assembly, data, searchSplit(), classification, events);
  }

  /** The split of the images that the search sees. */
  private Split searchSplit() {
    double share = config.cells().imageShare();
    return new Split(share(split.train(), share), share(split.validation(), share));
  }

  /** Every so many of them, at least one. */
  private static int[] share(int[] images, double share) {
    int count = Math.max(1, (int) Math.rint(share * images.length));
    return IntStream.range(0, count)
        .map(i -> images[(int) ((long) i * images.length / count)])
        .toArray();
  }

  private TrainingStage retraining(String name, String who) {
    int[] all = IntStream.range(0, data.train().count()).toArray();
    return training(name, results.decisions(who), all, new int[0], config.retrainEpochs());
  }

  private TrainingStage training(
      String name, int[] decisions, int[] train, int[] evaluation, int epochs) {
    TrainingStage.Plan plan =
        new TrainingStage.Plan(
            name,
            space.derive(decisions),
            train,
            evaluation,
            config.training(epochs, Rng.of(config.seed(), name.hashCode()).nextLong()));
    return new TrainingStage(plan, data, classification, events);
  }

  // ---- random search

  /** The network of a sample, the same each time it is asked for. */
  private int[] drawn(String name, int sample) {
    if (!results.has(name + ".decisions")) {
      results.putDecisions(name, draw(Rng.of(config.seed(), 41, sample)));
    }
    return results.decisions(name);
  }

  /**
   * A random network that is predicted to be within the budget and, if that counts, measures so.
   */
  private int[] draw(Rng rng) {
    int[] best = new int[0];
    double bestError = Double.POSITIVE_INFINITY;
    for (int i = 0; i < DRAWS; i++) {
      int[] decisions = pricing.sample(config.budget(), TOLERANCE, config.ceiling(), rng);
      if (!measures()) {
        return decisions;
      }
      double measured = measure(space.derive(decisions), meter());
      double error = measured / config.budget() - 1;
      error = config.ceiling() ? Math.max(0, error) : Math.abs(error);
      if (error < bestError) {
        best = decisions;
        bestError = error;
      }
      if (bestError <= MEASURED_TOLERANCE) {
        break;
      }
      correct(pricing.corrected(decisions, measured));
    }
    return best;
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

  // ---- what stages leave

  /** Records a stage's results; returns the next stage, or null after the last. */
  @Nullable RunStage finish(RunStage finished) {
    return switch (finished) {
      case SupernetStage search -> finishSearch(search);
      case TrainingStage training when training.name().equals("retrain") -> {
        Weights weights = training.trained();
        weights.write(directory.weights());
        record("found", training, weights);
        yield !isRandom() && randomSamples() > 0 ? open("random-1") : null;
      }
      case TrainingStage training when training.name().equals("random-retrain") -> {
        record("random", training, training.trained());
        yield null;
      }
      case TrainingStage sample -> finishSample(sample);
      default -> throw new IllegalStateException("unknown stage " + finished.name());
    };
  }

  private RunStage finishSearch(SupernetStage search) {
    double[][] preferences = search.preferences();
    int[] decisions = derive(preferences);
    results.put(
        new SearchResult.Search(
            search.expectedCost(),
            search.argmaxCost(),
            search.strength(),
            !Arrays.equals(decisions, pricing.mostProbable(preferences)),
            search.weightPeak(),
            search.architecturePeak()));
    results.put("alphas", search.alphaValues());
    TrainingStage retrain = retrain(decisions);
    if (config.inheritWeights()) {
      search.passOn(decisions, retrain.network());
    }
    return retrain;
  }

  private TrainingStage retrain(int[] decisions) {
    results.putDecisions("found", decisions);
    RunDirectory.write(directory.architecture(), space.derive(decisions).toJson());
    return (TrainingStage) open("retrain");
  }

  /** With prices of the user's, what they predict stands; else measured, and they are refined. */
  private int[] derive(double[][] preferences) {
    BudgetDerivation derivation = new BudgetDerivation(space, config, TOLERANCE, progress);
    if (!measures()) {
      return derivation.predicted(preferences, pricing);
    }
    BudgetDerivation.Derived derived =
        derivation.measured(preferences, pricing, network -> measure(network, meter()));
    correct(derived.pricing());
    return derived.decisions();
  }

  private void correct(Pricing corrected) {
    pricing = corrected;
    directory.writePrices(corrected.model());
  }

  private RunStage finishSample(TrainingStage sample) {
    int index = Integer.parseInt(sample.name().substring("random-".length()));
    String best = "random.validationAccuracy";
    if (!results.has(best) || sample.evaluationAccuracy() > results.number(best)) {
      results.put(best, sample.evaluationAccuracy());
      results.putDecisions("random", results.decisions(sample.name()));
    }
    if (index < randomSamples()) {
      return open("random-" + (index + 1));
    }
    return isRandom() ? retrain(results.decisions("random")) : open("random-retrain");
  }

  // ---- what is measured of a trained network

  /** Whether the budget is one of this machine's clock, and predictions are corrected by it. */
  private boolean measures() {
    return config.recipe().cost().hasTable() && !setup.tableGiven();
  }

  private void record(String who, TrainingStage training, Weights weights) {
    int[] decisions = results.decisions(who);
    Architecture architecture = space.derive(decisions);
    double accuracy =
        Evaluation.accuracy(architecture, weights, data.test(), setup.device(), setup.threads());
    double measured = measure(architecture, meter());
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", training.name());
    fields.addProperty("predictedCost", pricing.of(decisions));
    fields.addProperty("measuredMs", measured);
    fields.addProperty("testAccuracy", accuracy);
    for (String field : new String[] {"predictedCost", "measuredMs", "testAccuracy"}) {
      results.put(who + "." + field, fields.get(field));
    }
    events.emit("trained", fields);
  }

  private LatencyMeter meter() {
    long millis = (long) (PATIENCE * 1000 * results.seconds());
    Duration patience = Duration.ofMillis(Math.min(MOST_PATIENCE.toMillis(), millis));
    return new LatencyMeter(0.015, Duration.ofMillis(500), Duration.ofMillis(500), patience);
  }

  private double measure(Architecture architecture, LatencyMeter meter) {
    return new LatencyProfile(setup.device(), setup.latencyThreads(), meter)
        .network(architecture, setup.latencyBatch())
        .medianMs();
  }

  /** The result of a run that has come to its end. */
  SearchResult result() {
    double samples = 0;
    for (int i = 1; i <= randomSamples(); i++) {
      samples += results.seconds("random-" + i);
    }
    double search = isRandom() ? samples : results.seconds("search");
    boolean compared = !isRandom() && randomSamples() > 0;
    return new SearchResult(
        results.found("found", space, search + results.seconds("retrain")),
        compared
            ? results.found("random", space, samples + results.seconds("random-retrain"))
            : null,
        results.search());
  }
}
