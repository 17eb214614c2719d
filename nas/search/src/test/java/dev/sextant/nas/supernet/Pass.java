package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/** What a network makes of three images of 8x8 in four classes; gradients stay in it. */
record Pass(double loss, float[] logits) {
  private static final int BATCH = 3;

  /** A forward and a backward pass, always over the same images. */
  static Pass of(Backend backend, Module network) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Tensor images = backend.memory().floats(Shape.of(BATCH, 8, 8, 3), Category.DATA, "images");
      Rng rng = new Rng(3);
      for (int i = 0; i < images.size(); i++) {
        images.floats()[images.offset() + i] = (float) rng.nextGaussian();
      }
      Tensor labels = backend.memory().ints(Shape.of(BATCH), Category.DATA, "labels");
      labels.set(0, 2, 3);
      Variable logits = network.forward(tape, tape.constant(images));
      float[] values = logits.value().toArray();
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
      double value = backend.elementwise().sum(loss.value());
      tape.backward(loss);
      return new Pass(value, values);
    }
  }

  /** Gammas of 0, with which blocks start as the identity, would hide what is inside them. */
  static void perturb(Module network) {
    Rng rng = new Rng(9);
    for (Parameter parameter : network.parameters().values()) {
      Tensor value = parameter.value();
      for (int i = 0; i < value.size(); i++) {
        value.floats()[value.offset() + i] += (float) (0.2 * rng.nextGaussian());
      }
    }
  }

  /** Gives the gradients back. */
  static void clear(Module network) {
    network.parameters().values().forEach(Parameter::clearGradient);
  }
}
