package dev.sextant.autograd.optim;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.ops.Multiply;
import dev.sextant.autograd.ops.Sum;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Optimizers against two steps computed by hand, their checkpoints, and what they leave alone. */
final class OptimizerTest {
  private final Backend backend = Backend.reference();
  private final Parameter kernel =
      new Parameter(Samples.tensor(backend, Shape.of(1), 1), Parameter.Role.KERNEL);
  private final Parameter norm =
      new Parameter(Samples.tensor(backend, Shape.of(1), 1), Parameter.Role.NORM);
  private final SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();

  OptimizerTest() {
    parameters.put("kernel", kernel);
    parameters.put("norm", norm);
  }

  @AfterEach
  void everythingIsFreed() {
    for (Parameter parameter : List.of(kernel, norm)) {
      parameter.clearGradient();
      parameter.value().close();
    }
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  /** A gradient of that value: the one of value times w. */
  private void give(Parameter parameter, float gradient) {
    try (Tensor factor = Samples.tensor(backend, Shape.of(1), gradient);
        Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      tape.backward(Sum.apply(tape, Multiply.apply(tape, tape.constant(factor), parameter)));
    }
  }

  private float value(Parameter parameter) {
    return array(backend, parameter.value())[0];
  }

  private void assertTwoSteps(Optimizer optimizer, float second, double one, double two) {
    give(kernel, 0.5f);
    optimizer.step(0.1);
    assertEquals(one, value(kernel), 1e-6);
    assertNull(kernel.gradient());
    give(kernel, second);
    optimizer.step(0.1);
    assertEquals(two, value(kernel), 1e-6);
    optimizer.close();
    optimizer.close();
  }

  @Test
  void sgd() {
    // g = 0.5 + 0.01; v = 0.51; w = 1 - 0.051. g = 0.2 + 0.00949; v = 0.459 + 0.20949
    assertTwoSteps(
        new Sgd(backend, parameters, new Sgd.Config(0.9f, false, 0.01f, true)),
        0.2f,
        0.949,
        0.882151);
  }

  @Test
  void sgdWithNesterovMomentum() {
    // w = 1 - 0.1 (0.51 + 0.9 0.51); g = 0.209031; v = 0.668031; w -= 0.1 (g + 0.9 v)
    assertTwoSteps(
        new Sgd(backend, parameters, new Sgd.Config(0.9f, true, 0.01f, true)),
        0.2f,
        0.9031,
        0.82207411);
  }

  @Test
  void adam() {
    // First step: m / 0.1 = 0.5, v / 0.01 = 0.25, so w = 1 - 0.1 0.5 / (0.5 + 0.01).
    // Second: m = 0.015, v = 0.003375; w -= 0.1 (m / 0.19) / (sqrt(v / 0.0199) + 0.01).
    assertTwoSteps(
        new Adam(backend, parameters, new Adam.Config(0.9f, 0.99f, 0.01f, 0, false)),
        -0.3f,
        0.9019607843,
        0.8832450167);
  }

  @Test
  void adamWithDecayInTheGradient() {
    // The same with 0.5 + 0.1 1 and -0.3 + 0.1 w.
    assertTwoSteps(
        new Adam(backend, parameters, new Adam.Config(0.9f, 0.99f, 0.01f, 0.1f, false)),
        -0.3f,
        0.9016393443,
        0.8637459621);
  }

  @Test
  void rmsProp() {
    // s = 0.025, v = 0.05 / sqrt(0.035); s = 0.0315, v = 0.9 v - 0.03 / sqrt(0.0415)
    assertTwoSteps(
        new RmsProp(backend, parameters, new RmsProp.Config(0.9f, 0.9f, 0.01f, 0, false)),
        -0.3f,
        0.7327387581,
        0.6394678485);
  }

  @Test
  void decayCanBeForKernelsOnly() {
    for (boolean kernelsOnly : new boolean[] {true, false}) {
      float before = value(norm);
      Sgd sgd = new Sgd(backend, parameters, new Sgd.Config(0, false, 0.5f, kernelsOnly));
      give(norm, 0);
      sgd.step(0.1);
      assertEquals(kernelsOnly ? before : 0.95f * before, value(norm), 1e-6);
      sgd.close();
    }
  }

  @Test
  void aParameterWithoutAGradientIsLeftAlone() {
    Sgd sgd = new Sgd(backend, parameters, new Sgd.Config(0.9f, false, 0.1f, false));
    give(kernel, 1);
    give(norm, 1);
    sgd.step(0.1);
    float weight = value(norm);
    float velocity = array(backend, sgd.state().get("norm#velocity"))[0];
    give(kernel, 1);
    sgd.step(0.1);
    assertEquals(weight, value(norm));
    assertEquals(velocity, array(backend, sgd.state().get("norm#velocity"))[0]);
    assertEquals(Map.of("kernel", 2, "norm", 1), sgd.steps());
    sgd.close();
  }

  @Test
  void momentsComeWithTheFirstGradient() {
    Adam adam = new Adam(backend, parameters, new Adam.Config(0.9f, 0.99f, 1e-8f, 0, false));
    assertTrue(adam.state().isEmpty());
    give(norm, 1);
    adam.step(0.1);
    assertEquals(List.of("norm#mean", "norm#square"), List.copyOf(adam.state().keySet()));
    assertEquals(8, backend.memory().current(Category.OPTIMIZER));
    adam.close();
    assertEquals(0, backend.memory().current(Category.OPTIMIZER));
  }

  @Test
  void clearGradientsForgetsThemWithoutAStep() {
    Sgd sgd = new Sgd(backend, parameters, new Sgd.Config(0, false, 0, false));
    give(kernel, 1);
    sgd.clearGradients();
    assertNull(kernel.gradient());
    sgd.step(1);
    assertEquals(1, value(kernel));
    sgd.close();
  }

  @Test
  void gradientsAreClippedTogether() {
    Sgd sgd = new Sgd(backend, parameters, new Sgd.Config(0, false, 0, false));
    give(kernel, 3);
    give(norm, -4);
    assertEquals(5, sgd.clipGradients(10), 1e-6);
    assertArrayEquals(new float[] {3}, array(backend, kernel.gradient()));
    assertEquals(5, sgd.clipGradients(1), 1e-6);
    assertArrayEquals(new float[] {0.6f}, array(backend, kernel.gradient()), 1e-6f);
    assertArrayEquals(new float[] {-0.8f}, array(backend, norm.gradient()), 1e-6f);
    kernel.clearGradient();
    give(kernel, Float.POSITIVE_INFINITY);
    assertEquals(Double.POSITIVE_INFINITY, sgd.clipGradients(1));
    assertArrayEquals(new float[] {-0.8f}, array(backend, norm.gradient()), 1e-6f);
    assertThrows(SextantException.class, () -> sgd.clipGradients(0));
    assertThrows(SextantException.class, () -> sgd.clipGradients(Double.NaN));
    sgd.close();
  }

  /** Five steps equal two, a checkpoint, and three by another optimizer from it, bit for bit. */
  @Test
  void restoreContinuesAsIfNothingHadHappened() {
    List<Supplier<Optimizer>> kinds =
        List.of(
            () -> new Sgd(backend, parameters, new Sgd.Config(0.9f, true, 0.01f, false)),
            () -> new Adam(backend, parameters, new Adam.Config(0.9f, 0.99f, 1e-8f, 0.01f, false)),
            () ->
                new RmsProp(
                    backend, parameters, new RmsProp.Config(0.9f, 0.9f, 1e-3f, 0.01f, false)));
    for (Supplier<Optimizer> kind : kinds) {
      kernel.value().set(1f);
      norm.value().set(1f);
      Optimizer uninterrupted = kind.get();
      steps(uninterrupted, 0, 5);
      float[] expected = {value(kernel), value(norm)};
      uninterrupted.close();

      kernel.value().set(1f);
      norm.value().set(1f);
      Optimizer first = kind.get();
      steps(first, 0, 2);
      Optimizer second = kind.get();
      steps(second, 7, 8); // has a past of its own, which is forgotten
      kernel.value().set(array(backend, kernel.value()));
      second.restore(first.state(), first.steps());
      assertEquals(first.steps(), second.steps());
      first.close();
      second.restore(second.state(), second.steps());
      resume(kind, expected, second);
    }
  }

  private void resume(Supplier<Optimizer> kind, float[] expected, Optimizer restored) {
    // The weights as they were at the checkpoint: two steps from the start.
    kernel.value().set(1f);
    norm.value().set(1f);
    Optimizer again = kind.get();
    steps(again, 0, 2);
    again.close();
    steps(restored, 2, 5);
    assertArrayEquals(expected, new float[] {value(kernel), value(norm)});
    restored.close();
  }

  /** The norm gets a gradient in every second step only. */
  private void steps(Optimizer optimizer, int from, int to) {
    for (int step = from; step < to; step++) {
      give(kernel, (float) Math.sin(step + 1));
      if (step % 2 == 0) {
        give(norm, (float) Math.cos(step));
      }
      optimizer.step(0.05 / (step + 1));
    }
  }

  @Test
  void aCheckpointThatDoesNotFitIsRefusedAndChangesNothing() {
    Sgd sgd = new Sgd(backend, parameters, new Sgd.Config(0.9f, false, 0, false));
    give(kernel, 1);
    sgd.step(0.1);
    Tensor right = Samples.tensor(backend, Shape.of(1), 5);
    Tensor wrong = Samples.tensor(backend, Shape.of(2), 5, 5);
    assertRefused(sgd, Map.of(), Map.of("kernel", 1), "kernel#velocity of shape [1] is missing");
    assertRefused(sgd, Map.of("kernel#velocity", wrong), Map.of("kernel", 1), "is [2]");
    assertRefused(sgd, Map.of("kernel#velocity", right), Map.of("kernel", 0), "0 steps");
    assertRefused(sgd, Map.of("other#velocity", right), Map.of("other", 1), "no parameter");
    assertRefused(sgd, Map.of("kernel#velocity", right), Map.of(), "no parameter");
    assertRefused(
        sgd,
        Map.of("kernel#velocity", right, "kernel#square", right),
        Map.of("kernel", 1),
        "no parameter");
    assertEquals(Map.of("kernel", 1), sgd.steps());
    assertEquals(1, array(backend, sgd.state().get("kernel#velocity"))[0]);
    right.close();
    wrong.close();
    sgd.close();
  }

  private static void assertRefused(
      Optimizer optimizer, Map<String, Tensor> state, Map<String, Integer> steps, String why) {
    String message =
        assertThrows(SextantException.class, () -> optimizer.restore(state, steps)).getMessage();
    assertTrue(message.contains(why), message);
  }
}
