package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cells.ArchitectureAdam;
import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.cells.ExpectedLatency;
import dev.sextant.nas.cells.ExpectedMacs;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.objective.StrengthController;
import dev.sextant.nas.policy.Probabilities;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Searches cells by gradient, as DARTS, PC-DARTS and Latency-Aware DARTS do: in a step the
 * architecture parameters first, by a batch of validation images and the cost (eq. 3), then the
 * weights, by a batch of training images. In the first epochs the weights learn alone.
 */
final class CellStage implements SearchStage {
  private static final double BETA1 = 0.5;
  private static final double BETA2 = 0.999;

  /** Of the architecture parameters, in the published codes. */
  private static final double DECAY = 1e-3;

  /** Below this movement of every weight of an op from uniform, nothing was learned. */
  private static final double UNMOVED = 0.01;

  private final SearchConfig config;
  private final Pricing pricing;
  private final ArchitectureCost cost;
  private final Rng costRng;
  private final Classification classification;
  private final Events events;
  private final CellParameters parameters;
  private final CellSupernet supernet;
  private final Sgd optimizer;
  private final Sgd.Config sgd;
  private final ArchitectureAdam adam;
  private final BilevelGradient bilevel;
  private final Loss objective;
  private final StrengthController controller;
  private final Schedule schedule;
  private final BatchLoader loader;
  private final BatchLoader validationLoader;
  private final SequentialBatches validation;
  private final RunningMean running = new RunningMean();
  private double expectedCost;
  private long done;
  private long architectureSteps;
  private long weightPeak;
  private long architecturePeak;

  /** A search at its beginning; the pricing's predictor stays the caller's. */
  CellStage(
      CellNetworkSpace space,
      SearchConfig config,
      Pricing pricing,
      ImageDataset data,
      Split split,
      Classification classification,
      Events events) {
    this.config = config;
    this.pricing = pricing;
    this.classification = classification;
    this.events = events;
    costRng = Rng.of(config.seed(), 22);
    cost = cost(space, pricing.model());
    parameters = CellParameters.random(space.cells(), Rng.of(config.seed(), 20));
    supernet =
        new CellSupernet(
            parameters, new Initializer(classification.backend(), Rng.of(config.seed(), 21)));
    sgd = new Sgd.Config((float) config.momentum(), false, (float) config.weightDecay(), false);
    optimizer = new Sgd(classification.backend(), supernet.parameters(), sgd);
    adam =
        new ArchitectureAdam(
            new ArchitectureAdam.Config(config.architectureRate(), BETA1, BETA2, DECAY));
    bilevel = new BilevelGradient(supernet, classification.backend());
    objective = (Loss) config.recipe().objective().of(config.strength(), config.budget());
    controller = new StrengthController(config.budget());
    schedule = new Schedule.Cosine(config.rate(), config.cells().lastRate());
    loader =
        new BatchLoader(
            data.train(),
            split.train(),
            Math.min(config.batch(), split.train().length),
            data.normalization(),
            Augmentation.preset(config.augmentation(), data.height()),
            Rng.of(config.seed(), 23).nextLong(),
            true);
    validationLoader =
        new BatchLoader(
            data.train(),
            split.validation(),
            Math.min(config.batch(), split.validation().length),
            data.normalization(),
            Augmentation.none(),
            Rng.of(config.seed(), 24).nextLong(),
            true);
    validation =
        new SequentialBatches(
            data.train(), split.validation(), config.batch(), data.normalization());
    expectedCost = cost.estimate(parameters).value();
  }

  /** The expected cost of sampled networks, in the unit of the budget. */
  private ArchitectureCost cost(CellNetworkSpace space, CostModel model) {
    return switch (model) {
      case PredictedLatency predicted ->
          new ExpectedLatency(
                  predicted.predictor(),
                  new ExpectedLatency.Config(
                      config.samples(), ExpectedLatency.Gradient.SWAPPED, config.cells().noiseMs()),
                  costRng)
              .scaled(predicted.scale());
      case Counts _ ->
          ExpectedMacs.small(space.cells(), space.width(), space.depth()).scaled(ExpectedMacs.UNIT);
      case LatencyTable _, LinearCost _ ->
          throw new IllegalStateException("cells have no table of layers");
    };
  }

  @Override
  public String name() {
    return "search";
  }

  @Override
  public long steps() {
    return (long) (config.warmupEpochs() + config.epochs()) * loader.batchesPerEpoch();
  }

  /** Steps in which the weights learn alone. */
  private long frozenSteps() {
    return (long) (config.warmupEpochs() + config.quietEpochs()) * loader.batchesPerEpoch();
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public void step() {
    double rate = schedule.rate(done, steps());
    Batch training = loader.next();
    if (done >= frozenSteps() && (done - frozenSteps()) % config.architectureInterval() == 0) {
      architectureStep(training, validationLoader.next(), rate);
    }
    weightStep(training, rate);
    done++;
    if (done % loader.batchesPerEpoch() == 0) {
      endEpoch();
    }
    if (done == steps()) {
      checkMoved();
    }
  }

  private void weightStep(Batch training, double rate) {
    Memory memory = classification.backend().memory();
    memory.resetPeaks();
    running.add(classification.backward(supernet, training, Tape.Mode.TRAIN, 0));
    weightPeak = Math.max(weightPeak, memory.transientPeak());
    if (config.cells().clip() > 0) {
      optimizer.clipGradients(config.cells().clip());
    }
    optimizer.step(rate);
  }

  private void architectureStep(Batch training, Batch held, double rate) {
    Memory memory = classification.backend().memory();
    memory.resetPeaks();
    BilevelGradient.Loss heldLoss = tape -> classification.loss(tape, supernet, held);
    BilevelGradient.Result result =
        config.cells().secondOrder()
            ? bilevel.secondOrder(
                tape -> classification.loss(tape, supernet, training),
                heldLoss,
                rate,
                sgd,
                optimizer.state())
            : bilevel.firstOrder(heldLoss);
    architecturePeak = Math.max(architecturePeak, memory.transientPeak());
    if (!Double.isFinite(result.loss())) {
      throw new SextantException(
          "search: the validation loss is %s at step %d; a lower learning rate may help"
              .formatted(result.loss(), done));
    }
    addCost(result.loss(), result.gradient(), cost.estimate(parameters));
    adam.step(parameters, result.gradient());
    architectureSteps++;
  }

  /** The gradient of the objective (eq. 3); unless it is fixed, lambda keeps the cost in budget. */
  private void addCost(
      double crossEntropy, CellParameters gradient, ArchitectureCost.Estimate estimate) {
    double[] ofLoss = gradient.values();
    double[] ofCost = estimate.gradient().values();
    expectedCost = estimate.value();
    if (!config.fixedStrength()) {
      StrengthController.Slopes slopes = new StrengthController.Slopes(0, 0, 0, 0);
      for (int i = 0; i < ofLoss.length; i++) {
        slopes.add(ofLoss[i], ofCost[i]);
      }
      double weight = controller.observe(expectedCost, slopes, config.architectureRate());
      // The weight of the cost is about linear in the strength, or exactly.
      objective.setStrength(1);
      objective.setStrength(weight / objective.perCost(crossEntropy, expectedCost));
    }
    double perCrossEntropy = objective.perCrossEntropy(crossEntropy, expectedCost);
    double perCost = objective.perCost(crossEntropy, expectedCost);
    for (int i = 0; i < ofLoss.length; i++) {
      ofLoss[i] = perCrossEntropy * ofLoss[i] + perCost * ofCost[i];
    }
    gradient.set(ofLoss);
  }

  private void endEpoch() {
    Outcome evaluated = classification.evaluate(supernet, validation, Tape.Mode.EVAL);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", name());
    fields.addProperty("epoch", done / loader.batchesPerEpoch());
    fields.addProperty("phase", done <= frozenSteps() ? "warm-up" : "joint");
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    fields.addProperty("validationLoss", evaluated.loss());
    fields.addProperty("validationAccuracy", evaluated.accuracy());
    fields.addProperty("expectedCost", expectedCost);
    fields.addProperty("argmaxCost", argmaxCost());
    fields.addProperty("entropy", meanEntropy());
    fields.addProperty("strength", strength());
    fields.addProperty("architectureSteps", architectureSteps);
    fields.addProperty("weightStepPeakBytes", weightPeak);
    fields.addProperty("architectureStepPeakBytes", architecturePeak);
    JsonArray probabilities = new JsonArray();
    for (double[] p : probabilities()) {
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
    for (double[] weights : opWeights()) {
      for (double weight : weights) {
        if (Math.abs(weight - 1.0 / weights.length) > UNMOVED) {
          return;
        }
      }
    }
    throw new SextantException(
        "search: after %d architecture steps no decision has moved from uniform; raise"
                .formatted(architectureSteps)
            + " --architecture-rate or the number of epochs");
  }

  /** The weights of the ops of each edge, of the normal cell, then of the reduction cell. */
  private List<double[]> opWeights() {
    List<double[]> rows = new ArrayList<>();
    for (int stride = 1; stride <= 2; stride++) {
      for (int edge = 0; edge < parameters.space().edges(); edge++) {
        rows.add(parameters.opWeights(stride, edge));
      }
    }
    return rows;
  }

  /** Those and, where edges are weighed, the weights of the edges of each node. */
  private List<double[]> probabilities() {
    List<double[]> rows = opWeights();
    for (int stride = 1; parameters.space().edgeNormalized() && stride <= 2; stride++) {
      for (int node = 0; node < parameters.space().nodes(); node++) {
        rows.add(parameters.edgeWeights(stride, node));
      }
    }
    return rows;
  }

  /** The weights of the ops, each times the weight of its edge: what the genotype follows. */
  @Override
  public double[][] preferences() {
    double[][] rows = opWeights().toArray(double[][]::new);
    int edge = 0;
    for (int stride = 1; stride <= 2; stride++) {
      for (int node = 0; node < parameters.space().nodes(); node++) {
        for (double weight : parameters.edgeWeights(stride, node)) {
          for (int op = 0; op < rows[edge].length; op++) {
            rows[edge][op] *= weight;
          }
          edge++;
        }
      }
    }
    return rows;
  }

  private double meanEntropy() {
    return opWeights().stream().mapToDouble(Probabilities::entropy).average().orElse(0);
  }

  /** The architecture parameters. */
  CellParameters parameters() {
    return parameters;
  }

  /** By node and edge, normal cells first, as {@link CellParameters#values} has them. */
  @Override
  public double[] alphaValues() {
    return parameters.values();
  }

  /** The last estimate of the cost (eq. 2). */
  @Override
  public double expectedCost() {
    return expectedCost;
  }

  @Override
  public double argmaxCost() {
    return pricing.of(pricing.mostProbable(preferences()));
  }

  @Override
  public double strength() {
    return objective.strength();
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
  public String status() {
    Outcome mean = running.mean();
    return "loss %.3f  accuracy %.1f%%  E[cost] %s  entropy %.2f  lambda %.3g"
        .formatted(
            mean.loss(),
            100 * mean.accuracy(),
            config.recipe().cost().unit().format(expectedCost),
            meanEntropy(),
            strength());
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("supernet/", supernet.state());
    checkpoint.putOptimizer("sgd", optimizer);
    checkpoint.putDoubles("parameters", parameters.values());
    ArchitectureAdam.State state = adam.state();
    checkpoint.putDoubles("adam.mean", state.mean());
    checkpoint.putDoubles("adam.square", state.square());
    checkpoint.state().addProperty("adam.steps", state.steps());
    checkpoint.putRng("cost", costRng);
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("architectureSteps", architectureSteps);
    checkpoint.putDoubles("running", running.state());
    checkpoint.putDoubles("controller", controller.state());
    checkpoint.putDoubles("strength", strength(), expectedCost);
    checkpoint.state().addProperty("weightPeak", weightPeak);
    checkpoint.state().addProperty("architecturePeak", architecturePeak);
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("supernet/", supernet.state());
    checkpoint.getOptimizer("sgd", optimizer);
    parameters.set(checkpoint.getDoubles("parameters"));
    adam.restore(
        new ArchitectureAdam.State(
            checkpoint.getDoubles("adam.mean"),
            checkpoint.getDoubles("adam.square"),
            checkpoint.get("adam.steps").getAsInt()));
    checkpoint.getRng("cost", costRng);
    done = checkpoint.get("done").getAsLong();
    architectureSteps = checkpoint.get("architectureSteps").getAsLong();
    running.restore(checkpoint.getDoubles("running"));
    controller.restore(checkpoint.getDoubles("controller"));
    double[] saved = checkpoint.getDoubles("strength");
    objective.setStrength(saved[0]);
    expectedCost = saved[1];
    weightPeak = checkpoint.get("weightPeak").getAsLong();
    architecturePeak = checkpoint.get("architecturePeak").getAsLong();
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
    optimizer.close();
    supernet.close();
  }
}
