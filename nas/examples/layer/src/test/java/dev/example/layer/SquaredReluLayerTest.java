package dev.example.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The op and its gradient; the layer in a space, in a supernet that learns, in a compiled model.
 */
class SquaredReluLayerTest {
  private static final Space SPACE =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "squared", "classes": 2,
           "input": {"height": 8, "width": 8, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"choice": [{"op": "conv-squared-relu", "kernel": 3},
                         {"op": "conv-squared-relu", "kernel": 5}, {"op": "skip"}],
              "out": 8, "stride": 1, "repeat": 2},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
          """,
          "squared");

  @Test
  void theOpAndItsGradient() {
    try (Backend backend = Backend.cpu(1)) {
      Shape shape = Shape.of(4);
      try (Tensor x = backend.memory().floats(shape, Category.DATA, "x");
          Tensor y = backend.memory().floats(shape, Category.DATA, "y");
          Tensor dy = backend.memory().floats(shape, Category.DATA, "dy")) {
        x.set(new float[] {-2, 0, 1, 3});
        dy.set(new float[] {1, 1, 2, 0.5f});
        SquaredRelu op = new SquaredRelu();
        op.forward(backend, List.of(x), y);
        assertArrayEquals(new float[] {0, 0, 1, 9}, y.toArray());
        op.backward(backend, List.of(x), dy, List.of(y));
        assertArrayEquals(new float[] {0, 0, 4, 3}, y.toArray());
      }
    }
  }

  @Test
  void aCompiledModelRunsIt() {
    assertTrue(CompiledModel.class.getModule().isNamed(), "not on the module path");
    Architecture network = SPACE.derive(new int[] {0, 1});
    assertTrue(network.toJson().contains("conv-squared-relu"), network::toJson);
    assertEquals(network, Architecture.parse(network.toJson(), "again"));
    // The stem's 4x4 images, then 9 and 25 multiply-adds a weight.
    assertEquals(4 * 4 * (9 * 8 + 9 * 64 + 25 * 64) + 16, network.macs());
    try (CompiledModel model = CompiledModel.compile(network, Weights.random(network, 1))) {
      float[] logits = new float[2];
      model.run(new float[64], logits);
      assertTrue(Float.isFinite(logits[0]) && Float.isFinite(logits[1]));
    }
  }

  /** Bright images above or below: a supernet of the layer learns which. */
  @Test
  void aSupernetOfItLearns() {
    int batch = 16;
    float[] pixels = new float[batch * 64];
    int[] classes = new int[batch];
    Rng rng = new Rng(2);
    for (int i = 0; i < batch; i++) {
      classes[i] = i % 2;
      for (int p = 0; p < 64; p++) {
        pixels[64 * i + p] = (float) rng.nextGaussian() + (p / 32 == classes[i] ? 1 : -1);
      }
    }
    try (Backend backend = Backend.cpu(1);
        Tensor images =
            backend.memory().floats(SPACE.input().shape(batch), Category.DATA, "images");
        Tensor labels = backend.memory().ints(Shape.of(batch), Category.DATA, "labels");
        MultiPathSupernet supernet =
            new MultiPathSupernet(SPACE, new Initializer(backend, new Rng(3)))) {
      images.set(pixels);
      labels.set(classes);
      supernet.setDecisions(new int[] {0, 1});
      Tape tape = new Tape(backend);
      double first = 0;
      double last = 0;
      try (Sgd sgd =
          new Sgd(backend, supernet.parameters(), new Sgd.Config(0.9f, true, 0, false))) {
        for (int step = 0; step < 30; step++) {
          try (Tape _ = tape.open(Tape.Mode.TRAIN)) {
            Variable logits = supernet.forward(tape, tape.constant(images));
            Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
            last = backend.elementwise().sum(loss.value());
            tape.backward(loss);
          }
          first = step == 0 ? last : first;
          sgd.step(0.02);
        }
      }
      assertTrue(last < 0.5 * first, first + " to " + last);
      System.out.printf("layer: loss %.3f to %.3f in 30 steps%n", first, last);
    }
  }
}
