package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.StrengthController;
import dev.sextant.nas.policy.BinaryGates;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * ProxylessNAS in its gradient form: weight steps on sampled paths, first alone (warm-up), then
 * with an architecture step on held-out images after every few of them.
 *
 * <p>The order within a step, the schedules and the shared SGD momentum are those of the published
 * code. Two defects of it are not repeated: alphas of a choice are updated while its skip is active
 * too, and architecture steps leave batch norm's running statistics alone.
 */
final class SupernetStage implements Stage {
  /** Below this movement of every probability from uniform, nothing was learned. */
  private static final double UNMOVED = 0.01;

  private final SearchConfig config;
  private final ExpectedCost cost;
  private final Classification classification;
  private final Events events;
  private final Rng gatesRng;
  private final Supernet supernet;
  private final BinaryGates gates;
  private final Sgd optimizer;
  private final BatchLoader loader;
  private final BatchLoader validationLoader;
  private final SequentialBatches validation;
  private final Schedule warmup;
  private final Schedule joint;
  private final StrengthController controller;
  private final RunningMean running = new RunningMean();
  private final Objective objective;
  private double expectedMs;
  private long done;
  private long architectureSteps;
  private long weightPeak;
  private long architecturePeak;

  SupernetStage(
      Space space,
      SearchConfig config,
      ExpectedCost cost,
      ImageDataset data,
      Split split,
      Classification classification,
      Events events) {
    this.config = config;
    this.cost = cost;
    this.classification = classification;
    this.events = events;
    gatesRng = Rng.of(config.seed(), 12);
    supernet =
        new Supernet(space, new Initializer(classification.backend(), Rng.of(config.seed(), 11)));
    gates = new BinaryGates(classification.backend(), supernet, config.gates(), gatesRng);
    optimizer =
        new Sgd(
            classification.backend(),
            supernet.parameters(),
            new Sgd.Config((float) config.momentum(), true, (float) config.weightDecay(), false));
    Augmentation augmentation = Augmentation.preset(config.augmentation(), data.height());
    loader =
        new BatchLoader(
            data.train(),
            split.train(),
            Math.min(config.batch(), split.train().length),
            data.normalization(),
            augmentation,
            Rng.of(config.seed(), 13).nextLong(),
            true);
    validationLoader =
        new BatchLoader(
            data.train(),
            split.validation(),
            Math.min(config.batch(), split.validation().length),
            data.normalization(),
            Augmentation.none(),
            Rng.of(config.seed(), 14).nextLong(),
            true);
    validation =
        new SequentialBatches(
            data.train(), split.validation(), config.batch(), data.normalization());
    warmup = new Schedule.Cosine(config.warmupRate(), 0);
    joint = new Schedule.Cosine(config.rate(), 0);
    controller = new StrengthController(config.budgetMs());
    objective = objective(config);
    expectedMs = gates.expected(cost);
  }

  private static Objective objective(SearchConfig config) {
    return switch (config.objective()) {
      case ADDITIVE -> new Objective.Additive(config.strength() / config.budgetMs());
      case ADD_LINEAR -> new Objective.AddLinear(config.strength(), config.budgetMs());
      case MUL_LOG ->
          new Objective.MulLog(
              Objective.MulLog.PUBLISHED_ALPHA,
              config.strength(),
              config.budgetMs(),
              Objective.MulLog.PUBLISHED_TARGET);
    };
  }

  private long warmupSteps() {
    return (long) config.warmupEpochs() * loader.batchesPerEpoch();
  }

  private long jointSteps() {
    return (long) config.epochs() * loader.batchesPerEpoch();
  }

  private long quietSteps() {
    return (long) config.quietEpochs() * loader.batchesPerEpoch();
  }

  @Override
  public String name() {
    return "search";
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
    long inJoint = done - warmupSteps();
    weightStep(inJoint < 0 ? warmup.rate(done, warmupSteps()) : joint.rate(inJoint, jointSteps()));
    if (inJoint >= quietSteps() && (inJoint + 1) % config.architectureInterval() == 0) {
      architectureStep();
    }
    done++;
    if (done % loader.batchesPerEpoch() == 0) {
      endEpoch();
    }
    if (done == steps()) {
      checkMoved();
    }
  }

  private void weightStep(double rate) {
    Memory memory = classification.backend().memory();
    memory.resetPeaks();
    gates.samplePaths();
    running.add(
        classification.backward(supernet, loader.next(), Tape.Mode.TRAIN, config.labelSmoothing()));
    weightPeak = Math.max(weightPeak, memory.transientPeak());
    optimizer.step(rate);
  }

  private void architectureStep() {
    Memory memory = classification.backend().memory();
    memory.resetPeaks();
    supernet.freezeWeights(true);
    gates.sampleGates();
    Classification.Outcome outcome =
        classification.backward(supernet, validationLoader.next(), Tape.Mode.TRAIN_STATELESS, 0);
    supernet.freezeWeights(false);
    architecturePeak = Math.max(architecturePeak, memory.transientPeak());
    gates.update(objective, cost, outcome.loss(), config.architectureRate());
    architectureSteps++;
    expectedMs = gates.expected(cost);
    if (!config.fixedStrength()) {
      double weight = controller.observe(expectedMs, gates.slopes(), config.architectureRate());
      // Weights of E are about linear in the strength, or exactly.
      objective.setStrength(1);
      objective.setStrength(weight / objective.perCost(outcome.loss(), expectedMs));
    }
  }

  private void endEpoch() {
    supernet.activate(Derivation.mostProbable(gates.probabilities()));
    Classification.Outcome evaluated =
        classification.evaluate(supernet, validation, Tape.Mode.TRAIN_STATELESS);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", name());
    fields.addProperty("epoch", done / loader.batchesPerEpoch());
    fields.addProperty("phase", done <= warmupSteps() ? "warm-up" : "joint");
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    fields.addProperty("validationLoss", evaluated.loss());
    fields.addProperty("validationAccuracy", evaluated.accuracy());
    fields.addProperty("expectedMs", expectedMs);
    fields.addProperty("entropy", gates.meanEntropy());
    fields.addProperty("strength", objective.strength());
    fields.addProperty("architectureSteps", architectureSteps);
    fields.addProperty("weightStepPeakBytes", weightPeak);
    fields.addProperty("architectureStepPeakBytes", architecturePeak);
    JsonArray probabilities = new JsonArray();
    for (double[] p : gates.probabilities()) {
      JsonArray row = new JsonArray();
      Arrays.stream(p).forEach(row::add);
      probabilities.add(row);
    }
    fields.add("probabilities", probabilities);
    events.emit("epoch", fields);
    if (done < steps()) {
      running.reset();
    }
  }

  private void checkMoved() {
    if (config.architectureRate() == 0 || architectureSteps == 0) {
      return;
    }
    for (double[] p : gates.probabilities()) {
      for (double q : p) {
        if (Math.abs(q - 1.0 / p.length) > UNMOVED) {
          return;
        }
      }
    }
    throw new SextantException(
        "search: after %d architecture steps no decision has moved from uniform; raise"
                .formatted(architectureSteps)
            + " --architecture-rate or the number of epochs");
  }

  /** Probabilities of the candidates of each choice. */
  double[][] probabilities() {
    return gates.probabilities();
  }

  /** The objective's trade-off in force. */
  double strength() {
    return objective.strength();
  }

  /** Expected latency in milliseconds (eq. 6). */
  double expectedMs() {
    return expectedMs;
  }

  /** Most bytes of activations and workspace held at once in a weight step. */
  long weightPeak() {
    return weightPeak;
  }

  /** Most bytes of activations and workspace held at once in an architecture step. */
  long architecturePeak() {
    return architecturePeak;
  }

  /** The supernet's weights for the network of these decisions. */
  SequencedMap<String, Tensor> inherited(int[] decisions) {
    return supernet.inherited(decisions);
  }

  /** Copies of the architecture parameters of each choice. */
  List<float[]> alphaValues() {
    List<float[]> values = new ArrayList<>();
    for (Tensor alpha : alphas().values()) {
      float[] copy = new float[alpha.size()];
      classification.backend().download(alpha, copy, 0);
      values.add(copy);
    }
    return values;
  }

  /** The architecture parameters by choice. */
  SequencedMap<String, Tensor> alphas() {
    SequencedMap<String, Tensor> named = new LinkedHashMap<>();
    int i = 0;
    for (Parameter alpha : gates.alphas()) {
      named.put("alpha." + i++, alpha.value());
    }
    return named;
  }

  @Override
  public String status() {
    Classification.Outcome mean = running.mean();
    return "loss %.3f  accuracy %.1f%%  E[latency] %.3f ms  entropy %.2f  lambda %.2f"
        .formatted(
            mean.loss(),
            100 * mean.accuracy(),
            expectedMs,
            gates.meanEntropy(),
            objective.strength());
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("supernet/", supernet.state());
    checkpoint.putTensors("alphas/", alphas());
    checkpoint.putOptimizer("sgd", optimizer);
    checkpoint.putOptimizer("adam", gates.optimizer());
    checkpoint.putRng("gates", gatesRng);
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("architectureSteps", architectureSteps);
    checkpoint.state().addProperty("weightPeak", weightPeak);
    checkpoint.state().addProperty("architecturePeak", architecturePeak);
    checkpoint.putDoubles("running", running.state());
    checkpoint.putDoubles("controller", controller.state());
    checkpoint.putDoubles("strength", objective.strength(), expectedMs);
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("supernet/", supernet.state());
    checkpoint.getTensors("alphas/", alphas());
    checkpoint.getOptimizer("sgd", optimizer);
    checkpoint.getOptimizer("adam", gates.optimizer());
    checkpoint.getRng("gates", gatesRng);
    done = checkpoint.get("done").getAsLong();
    architectureSteps = checkpoint.get("architectureSteps").getAsLong();
    weightPeak = checkpoint.get("weightPeak").getAsLong();
    architecturePeak = checkpoint.get("architecturePeak").getAsLong();
    running.restore(checkpoint.getDoubles("running"));
    controller.restore(checkpoint.getDoubles("controller"));
    double[] strength = checkpoint.getDoubles("strength");
    objective.setStrength(strength[0]);
    expectedMs = strength[1];
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
    gates.close();
    optimizer.close();
    supernet.close();
  }
}
