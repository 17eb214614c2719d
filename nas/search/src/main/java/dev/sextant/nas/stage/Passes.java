package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Distillation;
import dev.sextant.autograd.ops.Scale;
import dev.sextant.autograd.ops.SoftCrossEntropy;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.nas.workers.Workers;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Forward and backward passes over batches, of classifiers or detectors ({@link
 * Architecture#detects}).
 */
public final class Passes {
  private final Backend backend;
  private final Architecture.Input input;
  private final Task task;

  /** Opened for each batch, so that none allocates. */
  private final Tape tape;

  private final Outcome last = new Outcome(Double.NaN, Double.NaN);

  /** Null where this process is alone. */
  private final @Nullable Sharing sharing;

  private Passes(Backend backend, Architecture.Input input, Task task, Workers workers) {
    this.sharing = workers.count() == 1 ? null : new Sharing(workers, backend);
    this.backend = backend;
    this.input = input;
    this.task = task;
    tape = new Tape(backend);
  }

  /**
   * {@return passes of one network, or of any that takes the same images to the same outputs}
   *
   * @param backend whose memory holds the images
   * @param network that is trained or judged
   */
  public static Passes of(Backend backend, Architecture network) {
    return of(backend, network, Workers.ALONE);
  }

  /**
   * {@return the same with others, who make the same passes over their shares of the batches}
   *
   * @param backend whose memory holds the images
   * @param network that is trained or judged
   * @param workers this process and the others
   */
  public static Passes of(Backend backend, Architecture network, Workers workers) {
    Task task = network.detects() ? new Detecting(backend, network) : new Classifying(backend);
    return new Passes(backend, network.input(), task, workers);
  }

  /**
   * {@return passes of the networks of a space}
   *
   * @param backend whose memory holds the images
   * @param space whose networks, or whose supernet, are trained or judged
   */
  public static Passes of(Backend backend, SearchSpace space) {
    return of(backend, space, Workers.ALONE);
  }

  /**
   * {@return the same with others, who make the same passes over their shares of the batches}
   *
   * @param backend whose memory holds the images
   * @param space whose networks, or whose supernet, are trained or judged
   * @param workers this process and the others
   */
  public static Passes of(Backend backend, SearchSpace space, Workers workers) {
    return space.detects()
        ? of(backend, space.derive(new int[space.options().length]), workers)
        : new Passes(backend, space.input(), new Classifying(backend), workers);
  }

  /** {@return the backend that runs the passes} */
  public Backend backend() {
    return backend;
  }

  /** {@return what the accuracy of a step that learns is, in a word or two} */
  public String learnt() {
    return task.learnt();
  }

  /** {@return this process and the others} */
  public Workers workers() {
    return sharing == null ? Workers.ALONE : sharing.workers();
  }

  /** {@return what exchanges with the others go through; null where this process is alone} */
  public @Nullable Sharing sharing() {
    return sharing;
  }

  /**
   * A forward and a backward pass: gradients are left in the parameters. What is reported is the
   * loss by labels; a teacher's is only minimised.
   *
   * @param network that learns
   * @param batch of images
   * @param mode whether running statistics change
   * @param targets what its logits are trained towards
   * @return always the same object, valid until the next call
   * @throws SextantException if the loss is not a finite number
   */
  public Outcome gradients(Module network, Batch batch, Tape.Mode mode, Targets targets) {
    try (Tape pass = tape.open(mode)) {
      Variable x = images(pass, batch);
      task.take(batch);
      Variable logits = network.forward(pass, x);
      Variable loss = task.loss(pass, logits, targets.smoothing());
      finish(pass, batch, logits, loss, learnt(pass, x, logits, loss, targets));
      return shared(batch, network, null, mode);
    }
  }

  /**
   * The same for a network with a second classifier, whose loss is trained too and not reported.
   *
   * @param network that learns
   * @param auxiliary the second classifier
   * @param batch of images
   * @param targets what both logits are trained towards
   * @return always the same object, valid until the next call
   * @throws SextantException if the loss is not a finite number
   */
  public Outcome gradients(Network network, Auxiliary auxiliary, Batch batch, Targets targets) {
    try (Tape pass = tape.open(Tape.Mode.TRAIN)) {
      Variable x = images(pass, batch);
      task.take(batch);
      List<Variable> second = new ArrayList<>(1);
      Variable logits =
          network.forward(
              pass,
              x,
              (layer, y) -> {
                if (layer == auxiliary.layer()) {
                  second.add(auxiliary.tower().forward(pass, y));
                }
              });
      Variable loss = task.loss(pass, logits, targets.smoothing());
      Variable secondLoss = task.loss(pass, second.getFirst(), targets.smoothing());
      second.getFirst().release();
      Variable weighted = Scale.apply(pass, secondLoss, auxiliary.weight());
      Variable first = learnt(pass, x, logits, loss, targets);
      finish(pass, batch, logits, loss, Add.apply(pass, first, weighted));
      return shared(batch, network, auxiliary.tower(), Tape.Mode.TRAIN);
    }
  }

  /** What is minimised: the loss by labels, with the teacher's where there is one. */
  private Variable learnt(Tape pass, Variable x, Variable logits, Variable loss, Targets targets) {
    Teacher teacher = targets.teacher();
    if (teacher == null) {
      return loss;
    }
    float temperature = (float) targets.temperature();
    Tensor answer = backend.memory().floats(logits.shape(), Category.DATA, "teacher");
    teacher.answer(x.value(), answer);
    SoftCrossEntropy.softmax(backend, answer, temperature, answer);
    return Distillation.apply(pass, loss, logits, answer, temperature, (float) targets.weight());
  }

  /**
   * @param loss what is reported
   * @param total what is minimised
   */
  private void finish(Tape pass, Batch batch, Variable logits, Variable loss, Variable total) {
    double right = task.right(logits.value());
    double value = backend.elementwise().sum(loss.value());
    if (!Double.isFinite(value)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "training: the loss is %s at batch %d of epoch %d; a lower learning rate may help",
              value,
              batch.index(),
              batch.epoch()));
    }
    logits.release();
    pass.backward(total);
    last.set(value, right);
  }

  /**
   * What the whole batch comes to: gradients, whatever else the pass has left, and the outcome are
   * means over all workers from here on.
   */
  private Outcome shared(Batch batch, Module network, @Nullable Module second, Tape.Mode mode) {
    if (sharing != null && batch.shares() > 1) {
      sharing.mean(
          all -> {
            share(all, network, mode);
            if (second != null) {
              share(all, second, mode);
            }
            shareOutcome(all);
          });
    }
    return last;
  }

  private static void share(Sharing all, Module module, Tape.Mode mode) {
    all.gradients(module);
    if (mode == Tape.Mode.TRAIN) {
      all.statistics(module);
    }
    if (module instanceof Supernet supernet) {
      supernet.share(all);
    }
  }

  private void shareOutcome(Sharing all) {
    last.set(all.number(last.loss()), all.number(last.accuracy()));
  }

  /**
   * {@return the mean outcome over a pass of evaluation batches; nothing is recorded}
   *
   * @param network that is judged
   * @param batches all of them
   * @param mode which statistics its norms use
   */
  public Outcome evaluate(Module network, SequentialBatches batches, Tape.Mode mode) {
    double loss = 0;
    long images = 0;
    task.begin();
    for (Batch batch : batches) {
      try (Tape outer = tape.open(mode);
          Tape pass = outer.unrecorded()) {
        Variable outputs = outputs(pass, network, batch);
        loss += batch.count() * task.loss(outputs.value());
        task.judge(outputs.value());
        images += batch.count();
      }
    }
    return new Outcome(loss / images, task.score());
  }

  /**
   * A forward pass over one batch; nothing is recorded.
   *
   * @param network that is judged
   * @param batch of images
   * @param mode which statistics its norms use
   * @return always the same object, valid until the next call
   */
  public Outcome evaluate(Module network, Batch batch, Tape.Mode mode) {
    try (Tape outer = tape.open(mode);
        Tape pass = outer.unrecorded()) {
      Variable outputs = outputs(pass, network, batch);
      last.set(task.loss(outputs.value()), task.score(outputs.value()));
      if (sharing != null && batch.shares() > 1) {
        sharing.mean(this::shareOutcome);
      }
      return last;
    }
  }

  /**
   * {@return the mean loss of a batch, on a tape of the caller's}
   *
   * @param pass the tape
   * @param network that is asked
   * @param batch of images
   */
  public Variable loss(Tape pass, Module network, Batch batch) {
    Variable outputs = outputs(pass, network, batch);
    Variable loss = task.loss(pass, outputs, 0);
    outputs.release();
    return loss;
  }

  private Variable outputs(Tape pass, Module network, Batch batch) {
    Variable outputs = network.forward(pass, images(pass, batch));
    task.take(batch);
    return outputs;
  }

  private Variable images(Tape pass, Batch batch) {
    Shape shape = input.shape(batch.count());
    Tensor images = backend.memory().floats(shape, Category.DATA, "images");
    backend.upload(batch.pixels(), 0, images);
    return pass.constant(images);
  }
}
