package dev.sextant.autograd.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The straight-through gradient is that of a function with the same value: each gate plus its
 * sigmoid minus what the sigmoid is at this point. Written out here in double, that function is
 * differentiated numerically.
 */
class SuperkernelTest {
  private static final Nesting NESTING = new Nesting(new int[] {1, 3, 5}, new int[] {3, 5, 9});
  private static final double STEP = 1e-5;

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 0.55, 0.6, 0.9})
  void gradientsAreThoseOfTheSigmoids(double threshold) {
    Rng rng = new Rng((long) (1000 * threshold));
    int size = NESTING.shape().size();
    int gates = NESTING.gates();
    double[] point = new double[size + gates];
    for (int i = 0; i < point.length; i++) {
      double value = i < size ? 2 * rng.nextDouble() - 1 : threshold + 0.1 * rng.nextDouble();
      point[i] = (float) value;
    }
    double[] scales = uniform(rng, gates);
    double[] dgates = uniform(rng, gates);
    double[] deffective = uniform(rng, size);
    Straight function = new Straight(point, scales, dgates, deffective);

    float[] gradient = new float[point.length];
    try (Backend backend = Backend.reference();
        Tape tape = new Tape(backend, Tape.Mode.TRAIN);
        Tensor w = tensor(backend, NESTING.shape(), point, 0);
        Tensor t = tensor(backend, Shape.of(gates), point, size);
        Tensor s = tensor(backend, Shape.of(gates), scales, 0)) {
      Variable kernel = tape.leaf(w);
      Variable thresholds = tape.leaf(t);
      Variable open = Superkernel.gates(tape, NESTING);
      Variable effective = Superkernel.apply(tape, kernel, thresholds, s, NESTING, open);
      tape.accumulate(open, tensor(backend, Shape.of(gates), dgates, 0));
      tape.backward(effective, tensor(backend, NESTING.shape(), deffective, 0));
      backend.download(Objects.requireNonNull(kernel.gradient()), gradient, 0);
      backend.download(Objects.requireNonNull(thresholds.gradient()), gradient, size);
    }
    for (int i = 0; i < point.length; i++) {
      double kept = point[i];
      point[i] = kept + STEP;
      double above = function.value(point);
      point[i] = kept - STEP;
      double below = function.value(point);
      point[i] = kept;
      assertEquals((above - below) / (2 * STEP), gradient[i], 1e-4, "element " + i);
    }
  }

  /** The gates alone have the same values and gradients as those of the masked kernel. */
  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.6})
  void gatesAloneAreTheSame(double threshold) {
    Rng rng = new Rng(7);
    double[] weights = uniform(rng, NESTING.shape().size());
    double[] thresholds = uniform(rng, NESTING.gates());
    thresholds[1] = threshold;
    double[] scales = uniform(rng, NESTING.gates());
    double[] dgates = uniform(rng, NESTING.gates());
    float[][] expected = gatesAndGradients(weights, thresholds, scales, dgates, false);
    float[][] actual = gatesAndGradients(weights, thresholds, scales, dgates, true);
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(expected[i], actual[i], 0f);
    }
  }

  private static float[][] gatesAndGradients(
      double[] weights, double[] thresholds, double[] scales, double[] dgates, boolean alone) {
    float[][] results = {
      new float[thresholds.length], new float[weights.length], new float[thresholds.length]
    };
    Shape gates = Shape.of(thresholds.length);
    try (Backend backend = Backend.reference();
        Tape tape = new Tape(backend, Tape.Mode.TRAIN);
        Tensor w = tensor(backend, NESTING.shape(), weights, 0);
        Tensor t = tensor(backend, gates, thresholds, 0);
        Tensor s = tensor(backend, gates, scales, 0)) {
      Variable kernel = tape.leaf(w);
      Variable learned = tape.leaf(t);
      Tensor gradient = tensor(backend, gates, dgates, 0);
      Variable open;
      if (alone) {
        open = SuperkernelGates.apply(tape, kernel, learned, s, NESTING);
        tape.backward(open, gradient);
      } else {
        open = Superkernel.gates(tape, NESTING);
        Variable masked = Superkernel.apply(tape, kernel, learned, s, NESTING, open);
        tape.accumulate(open, gradient);
        Tensor none = backend.memory().floats(NESTING.shape(), Category.ACTIVATIONS, "none");
        backend.elementwise().fill(none, 0);
        tape.backward(masked, none);
      }
      backend.download(open.value(), results[0], 0);
      backend.download(Objects.requireNonNull(kernel.gradient()), results[1], 0);
      backend.download(Objects.requireNonNull(learned.gradient()), results[2], 0);
    }
    return results;
  }

  private static double[] uniform(Rng rng, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (2 * rng.nextDouble() - 0.5);
    }
    return values;
  }

  private static Tensor tensor(Backend backend, Shape shape, double[] values, int from) {
    Tensor tensor = backend.memory().floats(shape, Category.DATA, "values");
    for (int i = 0; i < shape.size(); i++) {
      tensor.floats()[tensor.offset() + i] = (float) values[from + i];
    }
    return tensor;
  }

  /** The inner product of gates and kernel with their gradients, gates straight through. */
  private static final class Straight {
    private final double[] scales;
    private final double[] dgates;
    private final double[] deffective;
    private final double[] correction;

    Straight(double[] point, double[] scales, double[] dgates, double[] deffective) {
      this.scales = scales;
      this.dgates = dgates;
      this.deffective = deffective;
      correction = new double[NESTING.gates()];
      double[] gates = new double[correction.length];
      for (int gate = 0; gate < gates.length; gate++) {
        double margin = margin(point, gate, gates);
        correction[gate] = (margin >= 0 ? 1 : 0) - sigmoid(margin);
        gates[gate] = scales[gate] * (margin >= 0 ? 1 : 0);
      }
    }

    double value(double[] point) {
      double[] gates = new double[correction.length];
      double value = 0;
      for (int gate = 0; gate < gates.length; gate++) {
        gates[gate] = scales[gate] * (correction[gate] + sigmoid(margin(point, gate, gates)));
        value += dgates[gate] * gates[gate];
      }
      for (int i = 0; i < NESTING.shape().size(); i++) {
        double factor = point[i] * shellFactor(gates, i);
        for (int group = 1; group < NESTING.groups(); group++) {
          if (i % NESTING.channels() >= NESTING.firstChannel(group)) {
            factor *= gates[NESTING.layerGate() + group];
          }
        }
        value += deffective[i] * factor;
      }
      return value;
    }

    /** The gates before this one are known: a group's norm is of what the shells' gates leave. */
    private static double margin(double[] point, int gate, double[] gates) {
      double squares = 0;
      int count = 0;
      for (int i = 0; i < NESTING.shape().size(); i++) {
        if (gate < NESTING.layerGate()) {
          if (shell(i) == gate + 1) {
            squares += point[i] * point[i];
            count++;
          }
        } else {
          int group = gate - NESTING.layerGate();
          int channel = i % NESTING.channels();
          if (channel >= NESTING.firstChannel(group) && channel < NESTING.channels(group)) {
            squares += Math.pow(point[i] * shellFactor(gates, i), 2);
            count++;
          }
        }
      }
      return Math.sqrt(squares / count) - point[NESTING.shape().size() + gate];
    }

    private static double shellFactor(double[] gates, int i) {
      double factor = 1;
      for (int shell = 1; shell <= shell(i); shell++) {
        factor *= gates[shell - 1];
      }
      return factor;
    }

    private static int shell(int i) {
      int tap = i / NESTING.channels();
      return NESTING.shell(tap / NESTING.kernel(), tap % NESTING.kernel());
    }

    private static double sigmoid(double x) {
      return 1 / (1 + Math.exp(-x));
    }
  }

  /**
   * On a kernel whose shell is worth nothing and costs a little, the threshold rises past the norm
   * within some hundred plain gradient steps, and the shell is shut; where the shell is worth more
   * than it costs, the threshold falls.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void thresholdsMoveAcross(boolean costs) {
    Nesting nesting = new Nesting(new int[] {3, 5}, new int[] {8});
    try (Backend backend = Backend.reference();
        Tensor w = backend.memory().floats(nesting.shape(), Category.WEIGHTS, "w");
        Tensor t = backend.memory().floats(Shape.of(2), Category.WEIGHTS, "t");
        Tensor scales = backend.memory().floats(Shape.of(2), Category.WEIGHTS, "scales")) {
      backend.elementwise().fill(scales, 1);
      backend.elementwise().fill(t, 0);
      for (int i = 0; i < w.size(); i++) {
        w.floats()[w.offset() + i] = (float) Math.sin(i) * 0.4f;
      }
      float[] gates = new float[2];
      for (int step = 0; step < 300; step++) {
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
          Variable kernel = tape.leaf(w);
          Variable thresholds = tape.leaf(t);
          Variable open = Superkernel.gates(tape, nesting);
          Variable effective = Superkernel.apply(tape, kernel, thresholds, scales, nesting, open);
          tape.accumulate(
              open, tensor(backend, Shape.of(2), new double[] {costs ? 0.1 : -0.1, 0}, 0));
          Tensor none = backend.memory().floats(nesting.shape(), Category.ACTIVATIONS, "none");
          backend.elementwise().fill(none, 0);
          tape.backward(effective, none);
          backend.elementwise().axpy(-0.1f, Objects.requireNonNull(kernel.gradient()), w);
          backend.elementwise().axpy(-0.1f, Objects.requireNonNull(thresholds.gradient()), t);
          backend.download(open.value(), gates, 0);
        }
      }
      assertArrayEquals(new float[] {costs ? 0 : 1, 1}, gates);
      float threshold = t.floats()[t.offset()];
      assertTrue(costs ? threshold > 0.1 : threshold < -0.1, () -> "threshold " + threshold);
    }
  }
}
