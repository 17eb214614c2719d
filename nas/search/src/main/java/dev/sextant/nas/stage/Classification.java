package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Distillation;
import dev.sextant.autograd.ops.Scale;
import dev.sextant.autograd.ops.SoftCrossEntropy;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.objective.Outcome;
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

/** Forward and backward passes of an image classifier over batches. */
public final class Classification {
  private final Backend backend;
  private final Architecture.Input input;

  /** Opened for each batch, so that none allocates. */
  private final Tape tape;

  private final Outcome last = new Outcome(Double.NaN, Double.NaN);

  /** Null where this process is alone. */
  private final @Nullable Sharing sharing;

  /**
   * Of images of one size.
   *
   * @param backend whose memory holds them
   * @param input size of an image
   */
  public Classification(Backend backend, Architecture.Input input) {
    this(backend, input, Workers.ALONE);
  }

  /**
   * The same with others, who make the same passes over their shares of the batches.
   *
   * @param backend whose memory holds them
   * @param input size of an image
   * @param workers this process and the others
   */
  public Classification(Backend backend, Architecture.Input input, Workers workers) {
    this.sharing = workers.count() == 1 ? null : new Sharing(workers, backend);
    this.backend = backend;
    this.input = input;
    tape = new Tape(backend);
  }

  /** {@return the backend that runs the passes} */
  public Backend backend() {
    return backend;
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
      Tensor labels = labels(batch);
      Variable logits = network.forward(pass, x);
      Variable loss = loss(pass, logits, labels, targets);
      finish(pass, batch, logits, labels, loss, learnt(pass, x, logits, loss, targets));
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
      Tensor labels = labels(batch);
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
      Variable loss = loss(pass, logits, labels, targets);
      Variable secondLoss = loss(pass, second.getFirst(), labels, targets);
      second.getFirst().release();
      Variable weighted = Scale.apply(pass, secondLoss, auxiliary.weight());
      Variable first = learnt(pass, x, logits, loss, targets);
      finish(pass, batch, logits, labels, loss, Add.apply(pass, first, weighted));
      return shared(batch, network, auxiliary.tower(), Tape.Mode.TRAIN);
    }
  }

  private static Variable loss(Tape pass, Variable logits, Tensor labels, Targets targets) {
    return SoftmaxCrossEntropy.apply(pass, logits, labels, (float) targets.smoothing());
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
  private void finish(
      Tape pass, Batch batch, Variable logits, Tensor labels, Variable loss, Variable total) {
    int correct = backend.loss().countCorrect(logits.value(), labels);
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
    last.set(value, (double) correct / batch.count());
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
    double correct = 0;
    long images = 0;
    for (Batch batch : batches) {
      Outcome outcome = evaluate(network, batch, mode);
      loss += batch.count() * outcome.loss();
      correct += batch.count() * outcome.accuracy();
      images += batch.count();
    }
    return new Outcome(loss / images, correct / images);
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
      Variable logits = network.forward(pass, images(pass, batch));
      Tensor labels = labels(batch);
      double loss = backend.loss().softmaxCrossEntropy(logits.value(), labels, 0, null);
      int correct = backend.loss().countCorrect(logits.value(), labels);
      last.set(loss, (double) correct / batch.count());
      if (sharing != null && batch.shares() > 1) {
        sharing.mean(this::shareOutcome);
      }
      return last;
    }
  }

  /**
   * {@return the mean cross-entropy of a batch, on a tape of the caller's}
   *
   * @param pass the tape
   * @param network that is asked
   * @param batch of images
   */
  public Variable loss(Tape pass, Module network, Batch batch) {
    Variable logits = network.forward(pass, images(pass, batch));
    Variable loss = SoftmaxCrossEntropy.apply(pass, logits, labels(batch), 0);
    logits.release();
    return loss;
  }

  private Variable images(Tape pass, Batch batch) {
    Shape shape = input.shape(batch.count());
    Tensor images = backend.memory().floats(shape, Category.DATA, "images");
    backend.upload(batch.pixels(), 0, images);
    return pass.constant(images);
  }

  private Tensor labels(Batch batch) {
    Tensor labels = backend.memory().ints(Shape.of(batch.count()), Category.DATA, "labels");
    backend.upload(batch.labels(), 0, labels);
    return labels;
  }
}
