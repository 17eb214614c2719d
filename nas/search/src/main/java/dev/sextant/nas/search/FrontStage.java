package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.Rates;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.score.EqualPaths;
import dev.sextant.nas.score.HeldOutLoss;
import dev.sextant.nas.score.PriorScores;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunningMean;
import dev.sextant.nas.stage.Targets;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.SampledSupernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The search by scores: a training-free score of some hundred networks, weight steps of a supernet
 * on single paths that come up equally often, the held-out loss of the same networks, a fit of each
 * ({@link Ranking}), the held-out loss of those that the fits hold for the best within each budget,
 * a fit that knows of these too, and a longer look at its best.
 *
 * <p>A step is one network scored or looked at, or one weight step. Costs are in the search's unit.
 */
final class FrontStage<S extends SampledSupernet> implements SearchStage {
  /** Sets of new weights in a longer look's training-free score. */
  private static final int FRESH = 3;

  /** The generator's stream of the first network's new weights. */
  private static final long FIRST_OF_NETWORKS = 1000;

  private final SearchConfig config;
  private final Recipe.Scored<S> recipe;
  private final Space space;
  private final Pricing pricing;
  private final Passes passes;
  private final Events events;
  private final S supernet;
  private final Optimizer optimizer;
  private final Rates rates;
  private final BatchLoader loader;
  private final HeldOutLoss heldOut;
  private final PriorScores priors;
  private final Rng pathRng;
  private final EqualPaths paths;
  private final int[] options;
  private final Targets targets;
  private final RunningMean running = new RunningMean();
  private final ScoredNetworks scored;
  private long done;
  private long weightPeak;
  private long scoringPeak;

  /**
   * A search at its beginning.
   *
   * @param space of networks for the images of {@code data}
   * @param pricing of networks for the images as they are
   * @param data images in the size that the supernet sees
   */
  FrontStage(
      SearchConfig config,
      Recipe.Scored<S> recipe,
      Space space,
      Pricing pricing,
      ImageDataset data,
      Split split,
      Passes passes,
      Events events) {
    this.config = config;
    this.recipe = recipe;
    this.space = space;
    this.pricing = pricing;
    this.passes = passes;
    this.events = events;
    Backend backend = passes.backend();
    supernet =
        recipe.supernet().supernet(space, new Initializer(backend, Rng.of(config.seed(), 11)));
    supernet.startUnscaled(backend);
    optimizer = Assembly.optimizer(config, recipe.supernet(), backend, supernet);
    loader =
        new BatchLoader(
            data.train(),
            split.train(),
            Math.min(config.batches().size(), split.train().length),
            data.normalization(),
            Augmentation.preset(config.batches().augmentation(), data.height()),
            Rng.of(config.seed(), 13).nextLong(),
            passes.workers());
    rates =
        new Rates(
            config,
            (long) config.weights().warmupEpochs() * loader.batchesPerEpoch(),
            (long) config.weights().epochs() * loader.batchesPerEpoch());
    heldOut =
        new HeldOutLoss(
            supernet, space, backend, data, split.validation(), config.batches().size());
    priors =
        new PriorScores(
            recipe.prior(), space, backend, data, split.validation(), config.batches().size());
    targets = Targets.labels(config.batches().labelSmoothing());
    pathRng = Rng.of(config.seed(), 12);
    int[] counts = supernet.factoring().counts();
    paths = new EqualPaths(counts, pathRng);
    options = new int[counts.length];
    scored =
        new ScoredNetworks(
            config,
            space,
            pricing,
            EqualPaths.drawn(
                space.options(), config.architecture().samples(), Rng.of(config.seed(), 15)),
            heldOut.parts());
  }

  private long weightSteps() {
    return (long) (config.weights().warmupEpochs() + config.weights().epochs())
        * loader.batchesPerEpoch();
  }

  @Override
  public StageName name() {
    return StageName.SEARCH;
  }

  /** Before there is a fit, as many candidates and looks as there can be. */
  @Override
  public long steps() {
    return 2L * scored.size() + weightSteps() + scored.candidateCount() + scored.looks();
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public void step() {
    Memory memory = passes.backend().memory();
    memory.resetPeaks();
    long weightStep = done - scored.size();
    long lossOf = weightStep - weightSteps();
    if (weightStep < 0) {
      int network = (int) done;
      Rng own = Rng.of(config.seed(), FIRST_OF_NETWORKS + network);
      scored.putPrior(network, priors.of(scored.network(network), 1, own));
    } else if (lossOf < 0) {
      weightStep(weightStep);
    } else if (lossOf < scored.size()) {
      int network = (int) lossOf;
      scored.putLoss(
          network, heldOut.of(scored.network(network), network % heldOut.parts()).loss());
    } else {
      int after = (int) (lossOf - scored.size());
      if (after < scored.candidateCount()) {
        scored.putCandidate(losses(scored.candidates().get(after)));
      } else {
        look(scored.finalists().get(after - scored.candidateCount()));
      }
    }
    boolean trains = weightStep >= 0 && lossOf < 0;
    if (!trains) {
      scoringPeak = Math.max(scoringPeak, memory.transientPeak());
    }
    done++;
    if (trains && (weightStep + 1) % loader.batchesPerEpoch() == 0) {
      endEpoch((weightStep + 1) / loader.batchesPerEpoch());
    }
    if (lossOf + 1 == scored.size()) {
      scored.rank();
    }
    if (scored.isRanked()) {
      if (done + scored.looks() == steps()) {
        events.emit("fitted", scored.fitted());
      }
      if (done == steps()) {
        events.emit("finalists", scored.looked());
      }
    }
  }

  private void weightStep(long step) {
    if (step % loader.batchesPerEpoch() == 0) {
      // Only now: until here the means are those of the epoch that has ended.
      running.reset();
    }
    paths.next(options);
    supernet.setOptions(options);
    running.add(passes.gradients(supernet, loader.next(), supernet.trainingMode(), targets));
    weightPeak = Math.max(weightPeak, passes.backend().memory().transientPeak());
    if (config.descent().clip() > 0) {
      optimizer.clipGradients(config.descent().clip());
    }
    optimizer.step(rates.weights(step));
  }

  /** On every part of the held-out images. */
  private double[] losses(int[] decisions) {
    double[] losses = new double[heldOut.parts()];
    for (int part = 0; part < losses.length; part++) {
      losses[part] = heldOut.of(decisions, part).loss();
    }
    return losses;
  }

  /** All of the held-out images, and the training-free score of new weights. */
  private void look(int[] decisions) {
    scored.putLook(
        decisions, losses(decisions), priors.of(decisions, FRESH, Rng.of(config.seed(), 16)));
  }

  @Override
  public int @Nullable [] best(Pricing prices, double low, double high) {
    List<int[]> best = scored.best(prices, low, high, 1);
    return best.isEmpty() ? null : best.getFirst();
  }

  @Override
  public int[] best() {
    double all = Double.POSITIVE_INFINITY;
    return scored.best(pricing, -all, all, 1).getFirst();
  }

  @Override
  public List<Point> front(Pricing prices, int count) {
    return scored.front(prices, count);
  }

  @Override
  public String scores() {
    return scored.text();
  }

  private void endEpoch(long epoch) {
    Outcome evaluated = heldOut.of(scored.network(0), 0);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", name().text());
    fields.addProperty("epoch", epoch);
    fields.addProperty("phase", epoch <= config.weights().warmupEpochs() ? "warm-up" : "joint");
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    fields.addProperty("validationLoss", evaluated.loss());
    fields.addProperty("validationAccuracy", evaluated.accuracy());
    fields.addProperty("expectedCost", expectedCost());
    fields.addProperty("weightStepPeakBytes", weightPeak);
    fields.addProperty("architectureStepPeakBytes", scoringPeak);
    fields.add("probabilities", rows(uniform()));
    events.emit("epoch", fields);
  }

  private double[][] uniform() {
    int[] counts = space.options();
    double[][] uniform = new double[counts.length][];
    for (int d = 0; d < counts.length; d++) {
      uniform[d] = new double[counts[d]];
      Arrays.fill(uniform[d], 1.0 / counts[d]);
    }
    return uniform;
  }

  private static JsonArray rows(double[][] values) {
    JsonArray rows = new JsonArray();
    for (double[] of : values) {
      JsonArray row = new JsonArray();
      Arrays.stream(of).forEach(row::add);
      rows.add(row);
    }
    return rows;
  }

  /** All networks are drawn alike. */
  @Override
  public double expectedCost() {
    return pricing.expected(uniform());
  }

  @Override
  public double lambda() {
    return 0;
  }

  @Override
  public long weightPeak() {
    return weightPeak;
  }

  @Override
  public long architecturePeak() {
    return scoringPeak;
  }

  @Override
  public List<float[]> alphaValues() {
    List<float[]> values = new ArrayList<>();
    for (double[] effects : scored.effects()) {
      float[] row = new float[effects.length];
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) effects[j];
      }
      values.add(row);
    }
    return values;
  }

  @Override
  public void copyWeights(int[] decisions, Network network) {
    supernet.copyWeights(decisions, network);
  }

  @Override
  public String status() {
    long trained = done - scored.size();
    if (trained <= 0) {
      return "scored by prior " + recipe.prior().id();
    }
    if (trained <= weightSteps()) {
      Outcome mean = running.mean();
      return String.format(
          Locale.ROOT, "loss %.3f  %s %.1f%%", mean.loss(), passes.learnt(), 100 * mean.accuracy());
    }
    return scored.isRanked() ? "a longer look at the best" : "scored by held-out images";
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("supernet/", supernet.state());
    checkpoint.putOptimizer("weights", optimizer);
    checkpoint.putRng("paths.rng", pathRng);
    checkpoint.putDoubles("paths", paths.state());
    scored.save(checkpoint);
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("weightPeak", weightPeak);
    checkpoint.state().addProperty("scoringPeak", scoringPeak);
    checkpoint.putDoubles("running", running.state());
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("supernet/", supernet.state());
    checkpoint.getOptimizer("weights", optimizer);
    checkpoint.getRng("paths.rng", pathRng);
    paths.restore(checkpoint.getDoubles("paths", paths.state().length));
    done = checkpoint.getLong("done", 0, steps());
    weightPeak = checkpoint.getLong("weightPeak", 0, Long.MAX_VALUE);
    scoringPeak = checkpoint.getLong("scoringPeak", 0, Long.MAX_VALUE);
    running.restore(checkpoint.getDoubles("running", running.state().length));
    long trained = Math.clamp(done - scored.size(), 0, weightSteps());
    int perEpoch = loader.batchesPerEpoch();
    loader.seek(new BatchLoader.Position(trained / perEpoch, (int) (trained % perEpoch)));
    scored.load(checkpoint, done - 2L * scored.size() - weightSteps());
  }

  @Override
  public void close() {
    loader.close();
    optimizer.close();
    supernet.close();
  }
}
