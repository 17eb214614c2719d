package dev.sextant.nas.detection;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.stage.NetworkWeights;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Trains a network with {@link dev.sextant.runtime.layer.Detect} layers on scenes: {@link
 * MultiboxLoss}, SGD with Nesterov's momentum, a rate that falls from its start to 0 by half a
 * cosine after a linear rise over the first twentieth of all steps.
 *
 * <p>The same arguments give the same weights, to the bit. Confined to one thread.
 */
public final class DetectorTraining implements AutoCloseable {
  /**
   * How to train.
   *
   * @param epochs passes over the training images, at least 1
   * @param batch images of a step, at least 1
   * @param rate learning rate at its largest, above 0
   * @param decay L2 decay of kernels, at least 0
   * @param seed of the weights, the order and the changes of images
   */
  public record Config(int epochs, int batch, double rate, double decay, long seed) {
    /** Checks the ranges. */
    public Config {
      if (epochs < 1 || batch < 1 || !(rate > 0) || !(decay >= 0)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "detector training: %d epochs, batch %d, rate %s, decay %s; all but the decay must"
                    + " be above 0",
                epochs,
                batch,
                rate,
                decay));
      }
    }
  }

  private static final float MOMENTUM = 0.9f;
  private static final double WARM_UP = 0.05;

  private final Architecture architecture;
  private final Scenes scenes;
  private final Backend backend;
  private final Config config;
  private final Network network;
  private final Sgd optimizer;
  private final Schedule schedule;
  private final SceneBatches batches;
  private final AnchorTargets targets;
  private final MultiboxLoss loss;
  private final Tape tape;
  private long done;

  /**
   * A network with fresh weights.
   *
   * @param architecture that takes the images and looks for their classes
   * @param scenes to train on and to test with
   * @param backend where it is trained; the caller closes it after this
   * @param config how to train
   * @throws SextantException if network and scenes do not fit
   */
  public DetectorTraining(
      Architecture architecture, Scenes scenes, Backend backend, Config config) {
    Architecture.Input input = architecture.input();
    if (input.height() != scenes.train().images().height()
        || input.width() != scenes.train().images().width()
        || input.channels() != scenes.train().images().channels()
        || architecture.classes() != scenes.classNames().size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images of %dx%dx%d with objects of %d classes do not fit the network %s",
              scenes.name(),
              scenes.train().images().height(),
              scenes.train().images().width(),
              scenes.train().images().channels(),
              scenes.classNames().size(),
              architecture.name()));
    }
    this.architecture = architecture;
    this.scenes = scenes;
    this.backend = backend;
    this.config = config;
    Anchors anchors = Anchors.of(architecture);
    batches =
        new SceneBatches(
            scenes.train(),
            scenes.normalization(),
            config.batch(),
            true,
            Rng.of(config.seed(), 3).nextLong());
    targets = new AnchorTargets(anchors, batches.size());
    loss = new MultiboxLoss(targets);
    network =
        new Network(
            architecture,
            new Initializer(backend, Rng.of(config.seed(), 1)),
            0,
            Rng.of(config.seed(), 2));
    optimizer =
        new Sgd(
            backend,
            network.parameters(),
            new Sgd.Config(MOMENTUM, true, (float) config.decay(), true));
    schedule = new Schedule.Cosine(config.rate(), 0);
    tape = new Tape(backend);
  }

  /** {@return all steps} */
  public long steps() {
    return (long) config.epochs() * batches.count();
  }

  /** {@return steps done} */
  public long done() {
    return done;
  }

  /**
   * One step.
   *
   * @return the loss of its batch before it
   * @throws SextantException if that is no finite number
   */
  public double step() {
    batches.fill(done / batches.count(), (int) (done % batches.count()));
    targets.set(batches.scenes());
    double value;
    try (Tape pass = tape.open(Tape.Mode.TRAIN)) {
      Variable predictions = network.forward(pass, images(pass, batches));
      Variable mean = loss.apply(pass, predictions);
      predictions.release();
      value = backend.elementwise().sum(mean.value());
      if (!Double.isFinite(value)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "detector training: the loss is %s at step %d; a lower learning rate may help",
                value,
                done));
      }
      pass.backward(mean);
    }
    optimizer.step(rate());
    done++;
    return value;
  }

  private double rate() {
    double rise = Math.max(1, WARM_UP * steps());
    return schedule.rate(done, steps()) * Math.min(1, (done + 1) / rise);
  }

  private Variable images(Tape pass, SceneBatches from) {
    Shape shape = architecture.input().shape(from.scenes().size());
    Tensor images = backend.memory().floats(shape, Category.DATA, "images");
    backend.upload(from.pixels(), 0, images);
    return pass.constant(images);
  }

  /** {@return what the network finds in the test images, judged by COCO's metric} */
  public MeanAveragePrecision evaluate() {
    SceneBatches tested =
        new SceneBatches(scenes.test(), scenes.normalization(), config.batch(), false, 0);
    BoxSelection selection = new BoxSelection(targets.anchors(), BoxSelection.Limits.EVALUATION);
    Detections found = new Detections(MeanAveragePrecision.MOST);
    MeanAveragePrecision metric = new MeanAveragePrecision(architecture.classes());
    int numbers = architecture.outputs();
    float[] predictions = new float[tested.size() * numbers];
    for (int i = 0; i < tested.count(); i++) {
      tested.fill(0, i);
      try (Tape outer = tape.open(Tape.Mode.EVAL);
          Tape pass = outer.unrecorded()) {
        Variable output = network.forward(pass, images(pass, tested));
        backend.download(output.value(), predictions, 0);
      }
      List<Scene> seen = tested.scenes();
      for (int image = 0; image < seen.size(); image++) {
        Scene scene = seen.get(image);
        selection.select(predictions, image * numbers, scene.width(), scene.height(), found);
        metric.add(found, scene);
      }
    }
    return metric;
  }

  /**
   * {@return the weights, with the normalization of the images and the names of the classes}
   *
   * @throws SextantException if a weight is no finite number
   */
  public Weights trained() {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(CompiledModel.MEAN, joined(scenes.normalization().mean()));
    metadata.put(CompiledModel.DEVIATION, joined(scenes.normalization().deviation()));
    ClassNames.put(scenes.classNames(), metadata);
    metadata.put(Weights.ARCHITECTURE, architecture.sha256());
    return new Weights(NetworkWeights.tensors(network, backend, architecture.name()), metadata);
  }

  private static String joined(float[] values) {
    StringBuilder text = new StringBuilder();
    for (float value : values) {
      text.append(text.isEmpty() ? "" : ",").append(value);
    }
    return text.toString();
  }

  /** Frees the network's memory. */
  @Override
  public void close() {
    optimizer.close();
    network.close();
  }
}
