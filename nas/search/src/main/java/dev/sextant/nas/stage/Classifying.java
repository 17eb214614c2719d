package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.data.Batch;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Logits of images' labels: cross-entropy, and the share whose largest logit is at the label. */
final class Classifying implements Task {
  private final Backend backend;
  private @Nullable Tensor labels;
  private int count;
  private double correct;
  private long images;

  Classifying(Backend backend) {
    this.backend = backend;
  }

  @Override
  public void take(Batch batch) {
    count = batch.count();
    Tensor taken = backend.memory().ints(Shape.of(count), Category.DATA, "labels");
    backend.upload(batch.labels(), 0, taken);
    labels = taken;
  }

  private Tensor labels() {
    return Objects.requireNonNull(labels, "no batch was taken");
  }

  @Override
  public Variable loss(Tape pass, Variable logits, double smoothing) {
    return SoftmaxCrossEntropy.apply(pass, logits, labels(), (float) smoothing);
  }

  @Override
  public double loss(Tensor logits) {
    return backend.loss().softmaxCrossEntropy(logits, labels(), 0, null);
  }

  @Override
  public String learnt() {
    return "accuracy";
  }

  @Override
  public double right(Tensor logits) {
    return (double) backend.loss().countCorrect(logits, labels()) / count;
  }

  @Override
  public double score(Tensor logits) {
    return right(logits);
  }

  @Override
  public void begin() {
    correct = 0;
    images = 0;
  }

  @Override
  public void judge(Tensor logits) {
    correct += count * right(logits);
    images += count;
  }

  @Override
  public double score() {
    return correct / images;
  }
}
