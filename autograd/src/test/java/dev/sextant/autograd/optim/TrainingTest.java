package dev.sextant.autograd.optim;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** All of it together: a small net learns noisy XOR with every optimizer, the same every time. */
@Tag("long")
final class TrainingTest {
  private static final int POINTS = 128;

  private interface Maker {
    Optimizer make(Backend backend, SequencedMap<String, Parameter> parameters);
  }

  private record Line(String name, double rate, Maker maker) {}

  private static final List<Line> TABLE =
      List.of(
          new Line("sgd", 0.5, (b, p) -> new Sgd(b, p, new Sgd.Config(0.9f, false, 1e-4f, true))),
          new Line(
              "nesterov", 0.5, (b, p) -> new Sgd(b, p, new Sgd.Config(0.9f, true, 1e-4f, true))),
          new Line(
              "adam",
              0.05,
              (b, p) -> new Adam(b, p, new Adam.Config(0.9f, 0.999f, 1e-8f, 1e-4f, true))),
          new Line(
              "rmsprop",
              0.01,
              (b, p) -> new RmsProp(b, p, new RmsProp.Config(0.9f, 0.9f, 1e-3f, 1e-4f, true))));

  private static final class Net extends Module {
    private final Linear first;
    private final Linear second;

    Net(Initializer init) {
      first = child("first", new Linear(init, 2, 12));
      second = child("second", new Linear(init, 12, 2));
    }

    @Override
    public Variable forward(Tape tape, Variable x) {
      Variable z = first.forward(tape, x);
      Variable h = Activate.apply(tape, z, Activation.RELU);
      z.release();
      Variable logits = second.forward(tape, h);
      h.release();
      return logits;
    }
  }

  /** What training ended with. */
  private record Outcome(double accuracy, float[] weights) {}

  @TestFactory
  Stream<DynamicTest> learnsXor() {
    return Stream.of("reference", "cpu")
        .flatMap(
            device ->
                TABLE.stream()
                    .map(
                        line ->
                            DynamicTest.dynamicTest(
                                line.name + " on " + device, () -> learn(device, line))));
  }

  private static void learn(String device, Line line) {
    Outcome once = train(device, line);
    assertTrue(once.accuracy > 0.95, () -> "accuracy " + once.accuracy);
    assertArrayEquals(once.weights, train(device, line).weights);
  }

  private static Outcome train(String device, Line line) {
    try (Backend backend = device.equals("cpu") ? Backend.cpu(2) : Backend.reference()) {
      Rng rng = new Rng(42);
      float[] points = new float[2 * POINTS];
      int[] classes = new int[POINTS];
      for (int i = 0; i < POINTS; i++) {
        int corner = i % 4;
        points[2 * i] = (float) ((corner & 1) * 2 - 1 + 0.3 * rng.nextGaussian());
        points[2 * i + 1] = (float) ((corner >> 1) * 2 - 1 + 0.3 * rng.nextGaussian());
        classes[i] = (corner & 1) ^ (corner >> 1);
      }
      Tensor x = Samples.tensor(backend, Shape.of(POINTS, 2), points);
      Tensor labels = backend.memory().ints(Shape.of(POINTS), Category.DATA, "labels");
      backend.upload(classes, 0, labels);
      Net net = new Net(new Initializer(backend, rng));
      Optimizer optimizer = line.maker.make(backend, net.parameters());
      Schedule schedule = new Schedule.WarmUp(5, new Schedule.Cosine(line.rate, 0));
      long reserved = 0;
      for (int step = 0; step < 120; step++) {
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
          Variable logits = net.forward(tape, tape.constant(x));
          tape.backward(SoftmaxCrossEntropy.apply(tape, logits, labels, 0));
        }
        optimizer.clipGradients(5);
        optimizer.step(schedule.rate(step, 120));
        if (step == 1) {
          reserved = backend.memory().reserved();
        }
      }
      assertEquals(reserved, backend.memory().reserved(), "a steady state takes nothing");
      int correct;
      try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
        correct = backend.loss().countCorrect(net.forward(tape, tape.constant(x)).value(), labels);
      }
      float[] weights = {};
      for (Tensor tensor : net.state().values()) {
        float[] values = array(backend, tensor);
        int at = weights.length;
        weights = Arrays.copyOf(weights, at + values.length);
        System.arraycopy(values, 0, weights, at, values.length);
      }
      optimizer.close();
      net.close();
      x.close();
      labels.close();
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
      return new Outcome((double) correct / POINTS, weights);
    }
  }
}
