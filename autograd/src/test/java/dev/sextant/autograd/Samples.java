package dev.sextant.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Multiply;
import dev.sextant.autograd.ops.Sum;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;

/** Inputs for tests, the same on every backend, and how their results are compared. */
public final class Samples {
  /** Where an {@link dev.sextant.tensor.Activation} has no derivative. */
  private static final double[] KINKS = {-3, 0, 3, 6};

  private Samples() {}

  /** Uniform in ±1. */
  public static Tensor uniform(Backend backend, long seed, Shape shape) {
    Rng rng = Rng.of(seed, shape.size());
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.uniform(-1, 1);
    }
    return tensor(backend, shape, values);
  }

  /** Uniform in [-5, 8], at least 0.1 away from every kink of the activations. */
  public static Tensor awayFromKinks(Backend backend, long seed, Shape shape) {
    Rng rng = Rng.of(seed, shape.size());
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      double value;
      do {
        value = rng.uniform(-5, 8);
      } while (nearKink(value));
      values[i] = (float) value;
    }
    return tensor(backend, shape, values);
  }

  private static boolean nearKink(double value) {
    return Arrays.stream(KINKS).anyMatch(kink -> Math.abs(value - kink) < 0.1);
  }

  /** Multiples of 0.1 in random order, no two the same: no maximum is near a tie. */
  public static Tensor distinct(Backend backend, long seed, Shape shape) {
    int[] order = new int[shape.size()];
    Arrays.setAll(order, i -> i);
    Rng.of(seed, shape.size()).shuffle(order);
    float[] values = new float[order.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.1f * (order[i] - values.length / 2);
    }
    return tensor(backend, shape, values);
  }

  /** A kept tensor with these values. */
  public static Tensor tensor(Backend backend, Shape shape, float... values) {
    Tensor tensor = backend.memory().keep(backend.memory().floats(shape, Category.DATA, "sample"));
    backend.upload(values, 0, tensor);
    return tensor;
  }

  /** Kept labels that go round the classes. */
  public static Tensor labels(Backend backend, int count, int classes) {
    int[] values = new int[count];
    Arrays.setAll(values, i -> i * 7 % classes);
    Tensor tensor =
        backend.memory().keep(backend.memory().ints(Shape.of(count), Category.DATA, "labels"));
    backend.upload(values, 0, tensor);
    return tensor;
  }

  /** Moves every parameter and buffer of a fresh module off its special start, by up to ±0.3. */
  public static void perturb(Backend backend, Module module, long seed) {
    Rng rng = new Rng(seed);
    for (Tensor tensor : module.state().values()) {
      float[] values = array(backend, tensor);
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) rng.uniform(-0.3, 0.3);
      }
      backend.upload(values, 0, tensor);
    }
  }

  /** The elements of a tensor that must be there. */
  public static float[] array(Backend backend, Tensor tensor) {
    assertNotNull(tensor);
    float[] values = new float[tensor.size()];
    backend.download(tensor, values, 0);
    return values;
  }

  /** The sum of x times fixed numbers: a scalar whose gradient differs from element to element. */
  public static Variable project(Tape tape, Variable x) {
    Tensor direction = uniform(tape.backend(), 99, x.shape());
    Variable loss = Sum.apply(tape, Multiply.apply(tape, x, tape.constant(direction)));
    direction.close();
    return loss;
  }

  /** Equal but for rounding: the difference is at most {@code tolerance} of the largest element. */
  public static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
    assertEquals(expected.length, actual.length, what);
    double scale = 1e-3;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], tolerance * scale, what + " at " + i);
    }
  }
}
