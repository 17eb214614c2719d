package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.OnnxFile;
import dev.sextant.nas.run.RunCourse;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which stage of a run follows which, and what each of them leaves.
 *
 * <p>With a supernet: search, retrain, then random-1 ... random-K and random-retrain, the baseline.
 * Without one, random-1 ... random-K are the search, and retrain follows them.
 */
final class RunStages implements AutoCloseable {
  /** The result that has the checksum of a network's weights. */
  private static final String WEIGHTS = "weights";

  /** How far from the budget a derived network may be predicted: half of what measuring may add. */
  static final double TOLERANCE = 0.01;

  /** The validation split does not depend on the seed of the search, as in the published code. */
  private static final long SPLIT_SEED = 0;

  private final RunDirectory directory;
  private final SearchSetup setup;
  private final SearchSpace space;
  private final SearchConfig config;
  private final ImageDataset data;
  private final Split split;
  private final Passes passes;
  private final Events events;
  private final Progress progress;
  private final RunResults results;
  private final NetworkLatency latency;
  private final Inheritance inheritance;
  private final Limits limits;
  private final OriginalNetwork original;
  private Pricing pricing;

  RunStages(
      RunDirectory directory,
      SearchSetup setup,
      CostModel model,
      ImageDataset data,
      Passes passes,
      Events events,
      Progress progress,
      RunResults results) {
    this.directory = directory;
    this.setup = setup;
    space = setup.space();
    config = setup.config();
    limits = Limits.of(setup);
    pricing = Pricing.Limited.of(Pricing.of(model, space), limits);
    this.data = data;
    split = Split.stratified(data.train(), config.images().validationFraction(), SPLIT_SEED);
    this.passes = passes;
    this.events = events;
    this.progress = progress;
    this.results = results;
    latency = new NetworkLatency(setup, directory.path(), results, progress);
    original = new OriginalNetwork(directory, setup, results);
    inheritance = new Inheritance(directory, setup, data, split, passes, results);
  }

  /**
   * Checks the files that stages have left against what they noted of them.
   *
   * @throws SextantException naming the file that is another's
   */
  void checkFiles() {
    if (results.hasDecisions(Contestant.FOUND)) {
      directory.requireArchitecture(space.derive(results.decisions(Contestant.FOUND)));
    }
    String weights = Contestant.FOUND.key() + "." + WEIGHTS;
    if (results.has(weights)) {
      RunDirectory.requireWeights(directory.weights(), results.text(weights));
    }
    inheritance.checkFiles();
  }

  /** Frees what stages share. Idempotent. */
  @Override
  public void close() {
    inheritance.close();
  }

  /** The first stage. */
  StageName first() {
    return switch (config.recipe()) {
      case Recipe.Random random when random.prior() != null -> StageName.RETRAIN;
      case Recipe.Random _ -> StageName.sample(1);
      case Recipe.Scored<?> _, Recipe.InSupernet<?, ?> _, Shrinking _ -> StageName.SEARCH;
    };
  }

  /** How much work each of them is beside the others. */
  List<Progress.Stage> course() {
    IntUnaryOperator epochs = config::drawnEpochs;
    return new RunCourse(config, searchSplit(), split, data, config.drawnNetworks(), epochs)
        .stages();
  }

  private boolean isRandom() {
    return config.recipe() instanceof Recipe.Random;
  }

  /**
   * Makes a stage ready to run from its beginning.
   *
   * @throws SextantException if the run has no such stage
   */
  RunStage open(StageName name) {
    return switch (name) {
      case StageName.Search _ -> search();
      case StageName.Given _ -> throw unknown(name);
      case StageName.Training training ->
          switch (training.network()) {
            case Contestant.Sample sample -> sample(training, sample);
            case Contestant.Found found -> retraining(training, found);
            case Contestant.OnFront front -> retraining(training, front);
            case Contestant.BestOfRandom best -> retraining(training, best);
          };
    };
  }

  private SextantException unknown(StageName name) {
    return new SextantException(
        String.format(
            Locale.ROOT, "%s: stage %s is none of this run", directory.checkpoint(), name.text()));
  }

  private TrainingStage sample(StageName name, Contestant.Sample sample) {
    if (sample.index() > config.drawnNetworks()) {
      throw unknown(name);
    }
    return training(
        name, drawn(sample), split.train(), split.validation(), config.drawnEpochs(sample.index()));
  }

  private RunStage search() {
    int asked = config.images().size();
    int own = config.recipe().searchSize(Math.min(data.height(), data.width()));
    ImageDataset seen = data.resized(asked == 0 ? own : asked);
    SearchSpace searched =
        space.withInput(
            new Architecture.Input(seen.height(), seen.width(), seen.channels()), seen.classes());
    Passes small = Passes.of(passes.backend(), searched, passes.workers());
    return switch (config.recipe()) {
      case Recipe.Random _ -> throw unknown(StageName.SEARCH);
      case Recipe.Scored<?> recipe ->
          new FrontStage<>(
              config, recipe, (Space) searched, pricing, seen, searchSplit(), small, events);
      case Shrinking _ ->
          new ShrinkStage(
              config, (Space) searched, pricing, directory, seen, searchSplit(), small, events);
      case Recipe.InSupernet<?, ?> recipe -> search(recipe, searched, seen, small);
    };
  }

  private <S extends Supernet, O extends Objective> RunStage search(
      Recipe.InSupernet<S, O> recipe, SearchSpace searched, ImageDataset seen, Passes small) {
    Cost sampled =
        recipe.cost().measuresSamples()
            ? MeasuredCost.agreed(new MeasuredCost(space, latency::quick), small.sharing())
            : pricing::of;
    return new SupernetStage<>(
        new Assembly<>(config, recipe, small.backend(), searched, pricing, sampled),
        seen,
        searchSplit(),
        small,
        events);
  }

  /** The split of the images that the search sees. */
  private Split searchSplit() {
    return split.share(config.images().share());
  }

  private TrainingStage retraining(StageName name, Contestant who) {
    if (!results.hasDecisions(who)
        && who == Contestant.FOUND
        && config.recipe() instanceof Recipe.Random random
        && random.prior() != null) {
      found(
          networks()
              .best(
                  random.prior(),
                  passes.backend(),
                  data,
                  split.validation(),
                  config.batches().size(),
                  config.seed()));
    }
    if (!results.hasDecisions(who)) {
      throw unknown(name);
    }
    int[] decisions = results.decisions(who);
    int[] all = IntStream.range(0, data.train().count()).toArray();
    TrainingStage stage = training(name, decisions, all, new int[0], config.retraining().epochs());
    inheritance.handOn(stage, who, decisions);
    return stage;
  }

  private TrainingStage training(
      StageName name, int[] decisions, int[] train, int[] evaluation, int epochs) {
    TrainingStage.Plan plan =
        new TrainingStage.Plan(
            name,
            space.derive(decisions),
            train,
            evaluation,
            config.training(epochs, Rng.of(config.seed(), name.text().hashCode()).nextLong()));
    return new TrainingStage(plan, data, passes, events);
  }

  // ---- random search

  /** The network of a sample, the same each time it is asked for. */
  private int[] drawn(Contestant.Sample sample) {
    if (!results.hasDecisions(sample)) {
      results.putDecisions(sample, networks().draw(Rng.of(config.seed(), 41, sample.index())));
      events.emit("drawn", results.drawn(sample));
    }
    return results.decisions(sample);
  }

  private DrawnNetworks networks() {
    return new DrawnNetworks(
        space, config.budget(), () -> pricing, this::correct, measures() ? latency::judged : null);
  }

  // ---- what stages leave

  /** Records a stage's results; returns the next stage, or null after the last. */
  @Nullable RunStage finish(RunStage finished) {
    return switch (finished) {
      case SearchStage search -> finish(search);
      case TrainingStage training -> finish(training);
      default -> throw new IllegalStateException("unknown stage " + finished.name());
    };
  }

  private @Nullable RunStage finish(TrainingStage training) {
    if (!(training.name() instanceof StageName.Training(Contestant network))) {
      throw new IllegalStateException("unknown stage " + training.name());
    }
    return switch (network) {
      case Contestant.Found found -> {
        Weights weights = training.trained();
        results.put(found, WEIGHTS, weights.write(directory.weights()));
        exportModel(1, found, weights);
        record(found, training, weights);
        yield after(1);
      }
      case Contestant.OnFront front -> {
        Weights weights = training.trained();
        weights.write(directory.weights(front.index()));
        exportModel(front.index(), front, weights);
        record(front, training, weights);
        yield after(front.index());
      }
      case Contestant.BestOfRandom best -> {
        record(best, training, training.trained());
        yield null;
      }
      case Contestant.Sample sample -> finish(training, sample);
    };
  }

  private void exportModel(int budget, Contestant who, Weights weights) {
    OnnxFile.write(directory, budget, space.derive(results.decisions(who)), weights, progress);
  }

  private RunStage finish(SearchStage search) {
    original.judge(pricing, latency, data);
    List<Budget> budgets = config.budget().each();
    for (int i = 1; i <= budgets.size(); i++) {
      int[] decisions = derive(budgets.get(i - 1), search::best);
      results.putDecisions(Contestant.found(i), decisions);
      original.tellGap(search.gap(pricing, budgets.get(i - 1).cost()), i, progress);
      RunDirectory.write(directory.architecture(i), space.derive(decisions).toJson());
    }
    int[] decisions = results.decisions(Contestant.FOUND);
    results.put(
        new SearchResult.Search(
            search.expectedCost(),
            pricing.of(search.best()),
            search.lambda(),
            !Arrays.equals(decisions, search.best()),
            search.weightPeak(),
            search.architecturePeak()));
    results.put("alphas", search.alphaValues());
    if (!search.scores().isEmpty()) {
      RunDirectory.write(directory.scores(), search.scores());
    }
    if (config.budget().front() > 0) {
      new FrontFile(directory, results, space)
          .write(search.front(pricing, config.budget().front()), pricing, latency);
    }
    inheritance.leave(search);
    return retraining(StageName.RETRAIN, Contestant.FOUND);
  }

  /** What follows the training of a budget's network. */
  private @Nullable RunStage after(int budget) {
    if (budget < config.budget().each().size()) {
      return open(new StageName.Training(Contestant.found(budget + 1)));
    }
    return !isRandom() && config.drawnNetworks() > 0 ? open(StageName.sample(1)) : null;
  }

  private void found(int[] decisions) {
    results.putDecisions(Contestant.FOUND, decisions);
    RunDirectory.write(directory.architecture(), space.derive(decisions).toJson());
  }

  private TrainingStage retrain(int[] decisions) {
    found(decisions);
    return retraining(StageName.RETRAIN, Contestant.FOUND);
  }

  /** With prices of the user's, what they predict stands; else measured, and they are refined. */
  private int[] derive(Budget budget, NetworkChoice choice) {
    BudgetDerivation derivation = new BudgetDerivation(space, budget, TOLERANCE, progress);
    if (!measures()) {
      return derivation.predicted(choice, pricing);
    }
    BudgetDerivation.Derived derived = derivation.measured(choice, pricing, latency::judged);
    correct(derived.pricing());
    return derived.decisions();
  }

  private void correct(Pricing corrected) {
    pricing = corrected;
    directory.prices().keep(corrected.model());
  }

  private RunStage finish(TrainingStage training, Contestant.Sample sample) {
    Contestant best = Contestant.BEST_OF_RANDOM;
    double accuracy = training.evaluationAccuracy();
    if (!results.hasDecisions(best) || accuracy > results.number(best, "validationAccuracy")) {
      results.put(best, "validationAccuracy", accuracy);
      results.putDecisions(best, results.decisions(sample));
    }
    if (sample.index() < config.drawnNetworks()) {
      return open(StageName.sample(sample.index() + 1));
    }
    return isRandom() ? retrain(results.decisions(best)) : open(StageName.RANDOM_RETRAIN);
  }

  // ---- what is measured of a trained network

  /** Whether the budget is one of this machine's clock, and predictions are corrected by it. */
  private boolean measures() {
    return config.recipe().cost().isMeasurable() && !setup.tableGiven();
  }

  private void record(Contestant who, TrainingStage training, Weights weights) {
    int[] decisions = results.decisions(who);
    Architecture architecture = space.derive(decisions);
    Evaluation evaluation =
        Evaluation.of(architecture, weights, data.test(), setup.device(), setup.threads());
    Latency quantiles = latency.quantiles(architecture);
    if (who.equals(Contestant.FOUND)) {
      EvaluationFile.write(directory, architecture, data, evaluation, quantiles, latency);
    }
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", training.name().text());
    fields.addProperty("predictedCost", pricing.of(decisions));
    fields.addProperty("measuredMs", quantiles.ms(config.budget().percentile()));
    fields.addProperty("testAccuracy", evaluation.score());
    limits
        .of(decisions)
        .forEach((cost, value) -> results.put(who, SearchResult.LIMITED + cost, value));
    results.putNumbers(who, fields);
    events.emit("trained", fields);
  }

  /** The result of a run that has come to its end. */
  SearchResult result() {
    double samples = 0;
    for (int i = 1; i <= config.drawnNetworks(); i++) {
      samples += results.seconds(StageName.sample(i));
    }
    double search = isRandom() ? samples : results.seconds(StageName.SEARCH);
    boolean compared = !isRandom() && config.drawnNetworks() > 0;
    return new SearchResult(
        results.found(Contestant.FOUND, space, search + results.seconds(StageName.RETRAIN)),
        compared
            ? results.found(
                Contestant.BEST_OF_RANDOM,
                space,
                samples + results.seconds(StageName.RANDOM_RETRAIN))
            : null,
        results.search(),
        IntStream.rangeClosed(2, config.budget().each().size())
            .mapToObj(
                i ->
                    results.found(
                        Contestant.found(i),
                        space,
                        search + results.seconds(new StageName.Training(Contestant.found(i)))))
            .toList(),
        limits.of(results.decisions(Contestant.FOUND)),
        original.result());
  }
}
