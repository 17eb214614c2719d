package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cells.ArchitectureAdam;
import dev.sextant.nas.cells.ArchitectureCost;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSpace;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.cells.Genotype;
import dev.sextant.nas.cells.GenotypeRule;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.objective.StrengthController;
import dev.sextant.tensor.Rng;
import org.jspecify.annotations.Nullable;

/**
 * Searches cells by gradient, as DARTS, PC-DARTS and Latency-Aware DARTS do: in every step the
 * architecture parameters first, by a batch of validation images and the cost (eq. 3), then the
 * weights, by a batch of training images.
 */
final class CellStage implements Stage {
  private final CellSearchConfig config;
  private final @Nullable ArchitectureCost cost;
  private final Rng costRng;
  private final Classification classification;
  private final Events events;
  private final CellParameters parameters;
  private final CellSupernet supernet;
  private final Sgd optimizer;
  private final Sgd.Config sgd;
  private final ArchitectureAdam adam;
  private final BilevelGradient bilevel;
  private final Schedule schedule;
  private final BatchLoader loader;
  private final BatchLoader validationLoader;
  private final SequentialBatches validation;
  private final StrengthController controller;
  private final RunningMean running = new RunningMean();
  private double strength;
  private double expectedCost = Double.NaN;
  private long done;
  private long architectureSteps;

  /** Makes the cost of a search, which draws from a generator that checkpoints hold. */
  interface CostFactory {
    /** The cost; null for accuracy alone. */
    @Nullable ArchitectureCost make(Rng rng);
  }

  CellStage(
      CellSpace space,
      CellSearchConfig config,
      CostFactory costs,
      ImageDataset data,
      Split split,
      Classification classification,
      Events events) {
    this.config = config;
    this.classification = classification;
    this.events = events;
    costRng = Rng.of(config.seed(), 22);
    cost = costs.make(costRng);
    parameters = CellParameters.random(space, Rng.of(config.seed(), 20));
    supernet =
        new CellSupernet(
            parameters, new Initializer(classification.backend(), Rng.of(config.seed(), 21)));
    sgd = new Sgd.Config((float) config.momentum(), false, (float) config.weightDecay(), false);
    optimizer = new Sgd(classification.backend(), supernet.parameters(), sgd);
    adam = new ArchitectureAdam(config.adam());
    bilevel = new BilevelGradient(supernet, classification.backend());
    schedule = new Schedule.Cosine(config.rate(), config.lastRate());
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
    controller = new StrengthController(config.budget());
    strength = config.strength();
  }

  @Override
  public String name() {
    return "search";
  }

  @Override
  public long steps() {
    return (long) config.epochs() * loader.batchesPerEpoch();
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public void step() {
    double rate = schedule.rate(done, steps());
    Batch training = loader.next();
    if (done >= (long) config.frozenEpochs() * loader.batchesPerEpoch()) {
      architectureStep(training, validationLoader.next(), rate);
    }
    running.add(classification.backward(supernet, training, Tape.Mode.TRAIN, 0));
    optimizer.clipGradients(config.clip());
    optimizer.step(rate);
    done++;
    if (done % loader.batchesPerEpoch() == 0) {
      endEpoch();
    }
  }

  private void architectureStep(Batch training, Batch held, double rate) {
    BilevelGradient.Loss heldLoss = tape -> classification.loss(tape, supernet, held);
    BilevelGradient.Result result =
        config.secondOrder()
            ? bilevel.secondOrder(
                tape -> classification.loss(tape, supernet, training),
                heldLoss,
                rate,
                sgd,
                optimizer.state())
            : bilevel.firstOrder(heldLoss);
    CellParameters gradient = result.gradient();
    if (cost != null) {
      addCost(gradient, cost.estimate(parameters));
    }
    adam.step(parameters, gradient);
    architectureSteps++;
  }

  /** L_val + lambda cost (eq. 3); with a budget, lambda is what keeps the cost there. */
  private void addCost(CellParameters gradient, ArchitectureCost.Estimate estimate) {
    double[] total = gradient.values();
    double[] ofCost = estimate.gradient().values();
    expectedCost = estimate.value();
    if (config.budget() > 0) {
      StrengthController.Slopes slopes = new StrengthController.Slopes(0, 0, 0, 0);
      for (int i = 0; i < total.length; i++) {
        slopes.add(total[i], ofCost[i]);
      }
      strength = controller.observe(expectedCost, slopes, config.adam().rate());
    }
    for (int i = 0; i < total.length; i++) {
      total[i] += strength * ofCost[i];
    }
    gradient.set(total);
  }

  private void endEpoch() {
    Outcome evaluated = classification.evaluate(supernet, validation, Tape.Mode.EVAL);
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", name());
    fields.addProperty("epoch", done / loader.batchesPerEpoch());
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    fields.addProperty("validationLoss", evaluated.loss());
    fields.addProperty("validationAccuracy", evaluated.accuracy());
    fields.addProperty("expectedCost", expectedCost);
    fields.addProperty("strength", strength);
    fields.addProperty("architectureSteps", architectureSteps);
    events.emit("epoch", fields);
    if (done < steps()) {
      running.reset();
    }
  }

  /** The cells that the parameters stand for now. */
  Genotype genotype() {
    return GenotypeRule.derive(parameters);
  }

  /** The architecture parameters. */
  CellParameters parameters() {
    return parameters;
  }

  /** The last estimate of the cost, in its unit; NaN before the first and without a cost. */
  double expectedCost() {
    return expectedCost;
  }

  /** The weight of the cost in force. */
  double strength() {
    return strength;
  }

  @Override
  public String status() {
    Outcome mean = running.mean();
    return "loss %.3f  accuracy %.1f%%  E[cost] %.3f  lambda %.3f"
        .formatted(mean.loss(), 100 * mean.accuracy(), expectedCost, strength);
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
    checkpoint.putDoubles("strength", strength, expectedCost);
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
    strength = saved[0];
    expectedCost = saved[1];
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
