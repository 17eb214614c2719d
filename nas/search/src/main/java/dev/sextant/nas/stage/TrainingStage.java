package dev.sextant.nas.stage;

import com.google.gson.JsonObject;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Trains one architecture: SGD with Nesterov momentum, cosine rate per batch, label smoothing;
 * decay on kernels only, as ProxylessNAS retrains.
 */
public final class TrainingStage implements RunStage {
  /**
   * What to train on what.
   *
   * @param name of the stage
   * @param architecture of the network
   * @param train indices of training images
   * @param evaluation indices of training images to evaluate on after each epoch; may be empty
   * @param config how it is trained
   */
  public record Plan(
      StageName name,
      Architecture architecture,
      int[] train,
      int[] evaluation,
      TrainingConfig config) {}

  private final Plan plan;
  private final TrainingConfig config;
  private final Passes passes;
  private final ImageDataset data;
  private final Events events;
  private final Rng dropoutRng;
  private final Network network;
  private final @Nullable Auxiliary auxiliary;
  private final Sgd optimizer;
  private final Schedule schedule;
  private final BatchLoader loader;
  private final SequentialBatches evaluation;
  private final boolean evaluates;
  private Targets targets;
  private final RunningMean running = new RunningMean();
  private double evaluationAccuracy = Double.NaN;
  private long done;

  /**
   * The stage at its beginning, with weights drawn by the plan's seed.
   *
   * @param plan what to train on what
   * @param data the images
   * @param passes runs the passes
   * @param events told of every epoch
   */
  public TrainingStage(Plan plan, ImageDataset data, Passes passes, Events events) {
    this.plan = plan;
    config = plan.config;
    this.passes = passes;
    this.events = events;
    this.data = data;
    dropoutRng = Rng.of(config.seed(), 2);
    auxiliary =
        config.regularization().auxiliary() == 0
            ? null
            : Auxiliary.attach(
                plan.architecture,
                (float) config.regularization().auxiliary(),
                new Initializer(passes.backend(), Rng.of(config.seed(), 4)));
    network =
        new Network(
            plan.architecture,
            new Initializer(passes.backend(), Rng.of(config.seed(), 1)),
            (float) config.regularization().dropout(),
            dropoutRng);
    SequencedMap<String, Parameter> parameters = new LinkedHashMap<>(network.parameters());
    if (auxiliary != null) {
      auxiliary
          .tower()
          .parameters()
          .forEach((path, parameter) -> parameters.put("auxiliary." + path, parameter));
    }
    optimizer =
        new Sgd(
            passes.backend(),
            parameters,
            new Sgd.Config(
                (float) config.descent().momentum(),
                true,
                (float) config.descent().weightDecay(),
                true));
    schedule = new Schedule.Cosine(config.rate(), 0);
    loader =
        new BatchLoader(
            data.train(),
            plan.train,
            Math.min(config.batches().size(), plan.train.length),
            data.normalization(),
            Augmentation.preset(config.batches().augmentation(), data.height()),
            Rng.of(config.seed(), 3).nextLong(),
            passes.workers());
    targets = Targets.labels(config.batches().labelSmoothing());
    evaluates = plan.evaluation.length > 0;
    evaluation =
        new SequentialBatches(
            data.train(),
            evaluates ? plan.evaluation : new int[] {0},
            config.batches().size(),
            data.normalization());
  }

  /**
   * Has the network learn from another one beside the labels, from the next step on.
   *
   * @param teacher not closed here
   * @param temperature that both networks' logits are divided by, above 0
   * @param weight of the teacher, in [0, 1]; the labels have the rest
   */
  public void learnFrom(Teacher teacher, double temperature, double weight) {
    targets = new Targets(targets.smoothing(), teacher, temperature, weight);
  }

  /** {@return what is trained; to start from other weights than random ones} */
  public Network network() {
    return network;
  }

  @Override
  public StageName name() {
    return plan.name;
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
    startEpoch();
    Batch batch = loader.next();
    if (config.regularization().dropPath() > 0) {
      long epoch = done / loader.batchesPerEpoch();
      network.setDropPath((float) (config.regularization().dropPath() * epoch / config.epochs()));
    }
    running.add(
        auxiliary == null
            ? passes.gradients(network, batch, Tape.Mode.TRAIN, targets)
            : passes.gradients(network, auxiliary, batch, targets));
    if (config.descent().clip() > 0) {
      optimizer.clipGradients(config.descent().clip());
    }
    optimizer.step(schedule.rate(done, steps()));
    done++;
    if (done % loader.batchesPerEpoch() == 0) {
      endEpoch();
    }
  }

  /** Only now: until here the means are those of the epoch that has ended. */
  private void startEpoch() {
    if (done % loader.batchesPerEpoch() == 0) {
      running.reset();
    }
  }

  private void endEpoch() {
    JsonObject fields = new JsonObject();
    fields.addProperty("stage", plan.name.text());
    fields.addProperty("epoch", done / loader.batchesPerEpoch());
    fields.addProperty("loss", running.mean().loss());
    fields.addProperty("accuracy", running.mean().accuracy());
    if (evaluates) {
      evaluationAccuracy = passes.evaluate(network, evaluation, Tape.Mode.EVAL).accuracy();
      fields.addProperty("validationAccuracy", evaluationAccuracy);
    }
    events.emit("epoch", fields);
  }

  /** {@return the accuracy on the evaluation images after the last full epoch} */
  public double evaluationAccuracy() {
    return evaluationAccuracy;
  }

  /**
   * {@return the trained network's weights with the normalization of its images and the names of
   * its classes}
   */
  public Weights trained() {
    return NetworkWeights.of(network, plan.architecture, data, passes.backend(), plan.name.text());
  }

  @Override
  public String status() {
    Outcome mean = running.mean();
    return String.format(
        Locale.ROOT, "loss %.3f  %s %.1f%%", mean.loss(), passes.learnt(), 100 * mean.accuracy());
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("network/", network.state());
    if (auxiliary != null) {
      checkpoint.putTensors("auxiliary/", auxiliary.tower().state());
    }
    checkpoint.putOptimizer("sgd", optimizer);
    checkpoint.putRng("dropout", dropoutRng);
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("evaluationAccuracy", Double.toString(evaluationAccuracy));
    checkpoint.putDoubles("running", running.state());
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("network/", network.state());
    if (auxiliary != null) {
      checkpoint.getTensors("auxiliary/", auxiliary.tower().state());
    }
    checkpoint.getOptimizer("sgd", optimizer);
    checkpoint.getRng("dropout", dropoutRng);
    done = checkpoint.getLong("done", 0, steps());
    evaluationAccuracy = checkpoint.getDouble("evaluationAccuracy");
    running.restore(checkpoint.getDoubles("running", running.state().length));
    loader.seek(
        new BatchLoader.Position(
            done / loader.batchesPerEpoch(), (int) (done % loader.batchesPerEpoch())));
  }

  @Override
  public void close() {
    loader.close();
    optimizer.close();
    network.close();
    if (auxiliary != null) {
      auxiliary.tower().close();
    }
  }
}
