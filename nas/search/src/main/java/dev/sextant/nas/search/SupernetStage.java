package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.flight.FlightEvents;
import dev.sextant.nas.method.Rates;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.policy.HeldOut;
import dev.sextant.nas.policy.LearningTurn;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunningMean;
import dev.sextant.nas.stage.Targets;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The search in a supernet: weight steps on networks that the policy samples, first alone
 * (warm-up), then with an architecture step on held-out images after every few of them.
 *
 * <p>The order within a step, the schedules and the shared momentum are those of ProxylessNAS's
 * code, but for a policy that warms up operations: TuNAS's controller looks at held-out images from
 * the first step on, at a rate of 0 until the warm-up ends, so that its baseline and moments are
 * there when it begins to learn. With mixtures of ops it is that of DARTS's code: the architecture
 * step comes first and looks ahead to the weight step, which is on the same images.
 *
 * <p>Costs are in the search's unit.
 */
final class SupernetStage<S extends Supernet> implements SearchStage {
  /** Below this movement of every probability or threshold, nothing was learned. */
  private static final double UNMOVED = 0.01;

  /** Of held-out images: labels as they are. */
  private static final Targets HARD = Targets.labels(0);

  private final SearchConfig config;
  private final Assembly<S, ?> assembly;
  private final Passes passes;
  private final Events events;
  private final Rng policyRng;
  private final LearningTurn turn;
  private final S supernet;
  private final Optimizer optimizer;
  private final Policy policy;
  private final Rates rates;
  private final BatchLoader loader;
  private final BatchLoader validationLoader;
  private final SequentialBatches validation;

  /** Searches of cells smooth no labels, those of their networks may. */
  private final Targets targets;

  private final @Nullable Finalists finalists;
  private final RunningMean running = new RunningMean();
  private final HeldOutBatch heldOut = new HeldOutBatch();
  private @Nullable Batch training;
  private long done;
  private long architectureSteps;
  private long weightPeak;
  private long architecturePeak;

  SupernetStage(
      Assembly<S, ?> assembly, ImageDataset data, Split split, Passes passes, Events events) {
    this.assembly = assembly;
    this.config = assembly.config();
    this.passes = passes;
    this.events = events;
    policyRng = Rng.of(config.seed(), 12);
    turn = assembly.recipe().policy().turn();
    supernet = assembly.supernet();
    optimizer = assembly.optimizer(supernet);
    loader =
        new BatchLoader(
            data.train(),
            split.train(),
            Math.min(config.batches().size(), split.train().length),
            data.normalization(),
            Augmentation.preset(config.batches().augmentation(), data.height()),
            Rng.of(config.seed(), 13).nextLong(),
            passes.workers());
    validationLoader =
        new BatchLoader(
            data.train(),
            split.validation(),
            Math.min(config.batches().size(), split.validation().length),
            data.normalization(),
            Augmentation.none(),
            Rng.of(config.seed(), 14).nextLong(),
            passes.workers());
    targets = Targets.labels(config.recipe().hasCells() ? 0 : config.batches().labelSmoothing());
    rates = new Rates(config, warmupSteps(), jointSteps());
    validation =
        new SequentialBatches(
            data.train(), split.validation(), config.batches().size(), data.normalization());
    finalists =
        Finalists.of(
            config, supernet, assembly.space(), passes.backend(), data, split.validation());
    policy = assembly.policy(supernet, policyRng, this::mixtureGradient);
  }

  private long warmupSteps() {
    return (long) config.weights().warmupEpochs() * loader.batchesPerEpoch();
  }

  private long jointSteps() {
    return (long) config.weights().epochs() * loader.batchesPerEpoch();
  }

  /** Steps before the first architecture step. */
  private long stepsBeforeLearning() {
    return turn == LearningTurn.AFTER_WEIGHTS_IN_WARMUP_TOO
        ? 0
        : warmupSteps() + (long) config.architecture().delayEpochs() * loader.batchesPerEpoch();
  }

  @Override
  public StageName name() {
    return StageName.SEARCH;
  }

  @Override
  public long steps() {
    return warmupSteps() + jointSteps();
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public void step() {
    if (done % loader.batchesPerEpoch() == 0) {
      // Only now: until here the means are those of the epoch that has ended.
      running.reset();
    }
    training = loader.next();
    if (turn == LearningTurn.BEFORE_WEIGHTS) {
      architectureStep(done - warmupSteps());
      weightStep(training);
    } else {
      weightStep(training);
      architectureStep(done - warmupSteps() + 1);
    }
    done++;
    if (done % loader.batchesPerEpoch() == 0) {
      endEpoch();
    }
    if (done == steps()) {
      checkMoved();
    }
  }

  private void weightStep(Batch batch) {
    Memory memory = passes.backend().memory();
    memory.resetPeaks();
    double warmup = (double) done / Math.max(1, warmupSteps());
    double joint = (double) (done - warmupSteps()) / jointSteps();
    policy.sample(Math.max(0, 1 - warmup), Math.max(0, joint));
    Outcome outcome = passes.gradients(supernet, batch, supernet.trainingMode(), targets);
    running.add(outcome);
    weightPeak = Math.max(weightPeak, memory.transientPeak());
    if (turn == LearningTurn.WITH_WEIGHTS) {
      double rate = done >= stepsBeforeLearning() ? rates.architecture(done) : 0;
      policy.learnWithWeights(outcome, rate);
      architectureSteps += rate > 0 ? 1 : 0;
    }
    if (config.descent().clip() > 0) {
      optimizer.clipGradients(config.descent().clip());
    }
    optimizer.step(rates.weights(done));
  }

  /**
   * Makes one if it is due.
   *
   * @param weightSteps made by then since the end of the warm-up
   */
  private void architectureStep(long weightSteps) {
    if (turn == LearningTurn.WITH_WEIGHTS
        || done < stepsBeforeLearning()
        || Math.floorMod(weightSteps, config.architecture().interval()) != 0) {
      return;
    }
    Memory memory = passes.backend().memory();
    memory.resetPeaks();
    heldOut.batch = validationLoader.next();
    if (FlightEvents.hasArchitectureSteps()) {
      FlightEvents.ArchitectureStep event = new FlightEvents.ArchitectureStep();
      event.begin();
      policy.learn(heldOut, rates.architecture(done));
      event.commit();
    } else {
      policy.learn(heldOut, rates.architecture(done));
    }
    architecturePeak = Math.max(architecturePeak, memory.transientPeak());
    architectureSteps++;
  }

  /** Passes over the batch of an architecture step. */
  private final class HeldOutBatch implements HeldOut {
    private @Nullable Batch batch;

    @Override
    public Outcome gradients() {
      supernet.freezeWeights(true);
      Outcome outcome = passes.gradients(supernet, current(), Tape.Mode.TRAIN_STATELESS, HARD);
      supernet.freezeWeights(false);
      return outcome;
    }

    @Override
    public Outcome evaluate() {
      return passes.evaluate(supernet, current(), Tape.Mode.TRAIN_STATELESS);
    }

    private Batch current() {
      return SupernetStage.current(batch);
    }
  }

  private static Batch current(@Nullable Batch batch) {
    if (batch == null) {
      throw new IllegalStateException("no step is being made");
    }
    return batch;
  }

  /** By the weights of mixtures, in an architecture step. */
  private BilevelGradient.Result mixtureGradient() {
    if (!(supernet instanceof CellSupernet mixture)) {
      throw new IllegalStateException("only cells have mixtures");
    }
    BilevelGradient bilevel = new BilevelGradient(mixture, passes.backend(), passes.sharing());
    BilevelGradient.Loss loss = tape -> passes.loss(tape, supernet, heldOut.current());
    return config.architecture().secondOrder()
        ? bilevel.secondOrder(
            tape -> passes.loss(tape, supernet, current(training)),
            loss,
            rates.weights(done),
            assembly.sgd(),
            optimizer.state())
        : bilevel.firstOrder(loss);
  }

  private void endEpoch() {
    if (turn != LearningTurn.BEFORE_WEIGHTS) {
      supernet.setDecisions(mostProbable());
    }
    Outcome evaluated = passes.evaluate(supernet, validation, Tape.Mode.TRAIN_STATELESS);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", name().text());
    fields.addProperty("epoch", done / loader.batchesPerEpoch());
    fields.addProperty("phase", done <= warmupSteps() ? "warm-up" : "joint");
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    fields.addProperty("validationLoss", evaluated.loss());
    fields.addProperty("validationAccuracy", evaluated.accuracy());
    fields.addProperty("expectedCost", expectedCost());
    fields.addProperty("argmaxCost", argmaxCost());
    fields.addProperty("entropy", policy.meanEntropy());
    fields.addProperty("lambda", lambda());
    fields.addProperty("architectureSteps", architectureSteps);
    fields.addProperty("weightStepPeakBytes", weightPeak);
    fields.addProperty("architectureStepPeakBytes", architecturePeak);
    JsonArray probabilities = new JsonArray();
    for (double[] p : policy.probabilities()) {
      JsonArray row = new JsonArray();
      Arrays.stream(p).forEach(row::add);
      probabilities.add(row);
    }
    fields.add("probabilities", probabilities);
    if (turn == LearningTurn.WITH_WEIGHTS) {
      JsonArray thresholds = new JsonArray();
      for (float[] values : alphaValues()) {
        JsonArray row = new JsonArray();
        for (float value : values) {
          row.add(value);
        }
        thresholds.add(row);
      }
      fields.add("thresholds", thresholds);
    }
    events.emit("epoch", fields);
  }

  private void checkMoved() {
    if (config.architecture().rate() == 0 || architectureSteps == 0) {
      return;
    }
    if (policy.movement() > UNMOVED) {
      return;
    }
    throw new SextantException(
        String.format(
                Locale.ROOT,
                "search: after %d architecture steps no decision has moved from its start; raise",
                architectureSteps)
            + " --architecture-rate or the number of epochs");
  }

  private int[] mostProbable() {
    return assembly.pricing().mostProbable(policy.preferences());
  }

  @Override
  public int @Nullable [] best(Pricing pricing, double low, double high) {
    return finalists == null
        ? pricing.mostProbable(policy.preferences(), low, high)
        : finalists.best(pricing, policy.preferences(), low, high);
  }

  @Override
  public int[] best() {
    return mostProbable();
  }

  @Override
  public double lambda() {
    return policy.objective().lambda();
  }

  /**
   * Expected cost of the networks that the policy draws (eq. 6): the average of TuNAS's Table 11.
   */
  @Override
  public double expectedCost() {
    return policy.expectedCost();
  }

  /** Cost of the most probable network: the argmax of TuNAS's Table 11. */
  private double argmaxCost() {
    return assembly.pricing().of(mostProbable());
  }

  @Override
  public long weightPeak() {
    return weightPeak;
  }

  @Override
  public long architecturePeak() {
    return architecturePeak;
  }

  @Override
  public void copyWeights(int[] decisions, Network network) {
    supernet.copyWeights(decisions, network);
  }

  @Override
  public List<float[]> alphaValues() {
    List<float[]> values = new ArrayList<>();
    for (int f = 0; f < policy.alphas().size(); f++) {
      values.add(policy.alphas().values(f));
    }
    return values;
  }

  @Override
  public String status() {
    Outcome mean = running.mean();
    return String.format(
        Locale.ROOT,
        "loss %.3f  %s %.1f%%  E[cost] %s  entropy %.2f  lambda %.3g",
        mean.loss(),
        passes.learnt(),
        100 * mean.accuracy(),
        config.recipe().cost().unit().format(expectedCost()),
        policy.meanEntropy(),
        lambda());
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("supernet/", supernet.state());
    checkpoint.putTensors("alphas/", policy.alphas().tensors());
    checkpoint.putOptimizer("weights", optimizer);
    checkpoint.putOptimizer("adam", policy.alphas().optimizer());
    checkpoint.putTensors("policy/", policy.tensors());
    policy.optimizers().forEach((name, own) -> checkpoint.putOptimizer("policy." + name, own));
    checkpoint.putRng("policy.rng", policyRng);
    checkpoint.putDoubles("policy", policy.state());
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("architectureSteps", architectureSteps);
    checkpoint.state().addProperty("weightPeak", weightPeak);
    checkpoint.state().addProperty("architecturePeak", architecturePeak);
    checkpoint.putDoubles("running", running.state());
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("supernet/", supernet.state());
    checkpoint.getTensors("alphas/", policy.alphas().tensors());
    checkpoint.getOptimizer("weights", optimizer);
    checkpoint.getOptimizer("adam", policy.alphas().optimizer());
    checkpoint.getTensors("policy/", policy.tensors());
    policy.optimizers().forEach((name, own) -> checkpoint.getOptimizer("policy." + name, own));
    checkpoint.getRng("policy.rng", policyRng);
    policy.restore(checkpoint.getDoubles("policy", policy.state().length));
    done = checkpoint.getLong("done", 0, steps());
    architectureSteps = checkpoint.getLong("architectureSteps", 0, steps());
    weightPeak = checkpoint.getLong("weightPeak", 0, Long.MAX_VALUE);
    architecturePeak = checkpoint.getLong("architecturePeak", 0, Long.MAX_VALUE);
    running.restore(checkpoint.getDoubles("running", running.state().length));
    seek(loader, done);
    seek(validationLoader, architectureSteps);
  }

  private static void seek(BatchLoader loader, long batches) {
    int perEpoch = loader.batchesPerEpoch();
    loader.seek(new BatchLoader.Position(batches / perEpoch, (int) (batches % perEpoch)));
  }

  @Override
  public void close() {
    loader.close();
    validationLoader.close();
    policy.close();
    optimizer.close();
    supernet.close();
  }
}
