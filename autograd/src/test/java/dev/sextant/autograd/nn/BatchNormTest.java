package dev.sextant.autograd.nn;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.BatchNormActivate;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.autograd.ops.SliceChannels;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Batch normalisation in each mode of the tape, in hand-computed numbers. */
final class BatchNormTest {
  private static final float EPSILON = 0.01f;

  private final Backend backend = Backend.reference();
  private final BatchNorm norm =
      new BatchNorm(new Initializer(backend, new Rng(1)), 2, EPSILON, Activation.IDENTITY);
  // Channel 0 is 1, 2, 3, 6: mean 3, variance 14 / 4 biased and 14 / 3 unbiased.
  // Channel 1 is -1, 1, -1, 1: mean 0, variance 1 biased and 4 / 3 unbiased.
  private final Tensor z = Samples.tensor(backend, Shape.of(4, 1, 1, 2), 1, -1, 2, 1, 3, -1, 6, 1);

  @AfterEach
  void everythingIsFreed() {
    z.close();
    norm.close();
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  private float[] forward(Tape.Mode mode) {
    try (Tape tape = new Tape(backend, mode)) {
      return array(backend, norm.forward(tape, tape.constant(z)).value());
    }
  }

  private float[] running(String name) {
    return array(backend, norm.state().get(name));
  }

  private static float normalized(double z, double mean, double variance) {
    return (float) ((z - mean) / Math.sqrt(variance + EPSILON));
  }

  @Test
  void trainingUsesTheBatchAndCountsIt() {
    float[] y = forward(Tape.Mode.TRAIN);
    assertEquals(normalized(1, 3, 3.5), y[0], 1e-6);
    assertEquals(normalized(6, 3, 3.5), y[6], 1e-6);
    assertEquals(normalized(-1, 0, 1), y[1], 1e-6);
    // From 0 and 1: 0.9 old + 0.1 new, the variance unbiased.
    assertArrayEquals(new float[] {0.3f, 0}, running("mean"), 1e-7f);
    assertArrayEquals(new float[] {0.9f + 1.4f / 3, 0.9f + 0.4f / 3}, running("variance"), 1e-6f);
    forward(Tape.Mode.TRAIN);
    assertArrayEquals(new float[] {0.57f, 0}, running("mean"), 1e-6f);
    assertArrayEquals(
        new float[] {0.9f * (0.9f + 1.4f / 3) + 1.4f / 3, 0.9f * (0.9f + 0.4f / 3) + 0.4f / 3},
        running("variance"),
        1e-6f);
  }

  @Test
  void aStatelessPassUsesTheBatchWithoutCountingIt() {
    float[] counted = forward(Tape.Mode.TRAIN);
    float[] mean = running("mean");
    float[] variance = running("variance");
    assertArrayEquals(counted, forward(Tape.Mode.TRAIN_STATELESS));
    assertArrayEquals(mean, running("mean"));
    assertArrayEquals(variance, running("variance"));
  }

  @Test
  void evaluationUsesTheRunningStatistics() {
    norm.state().get("mean").set(2f, -1);
    norm.state().get("variance").set(4, 0.25f);
    norm.state().get("gamma").set(3f, 2);
    norm.state().get("beta").set(10f, 20);
    float[] y = forward(Tape.Mode.EVAL);
    assertEquals(3 * normalized(6, 2, 4) + 10, y[6], 1e-5);
    assertEquals(2 * normalized(-1, -1, 0.25) + 20, y[1], 1e-5);
    assertArrayEquals(new float[] {2, -1}, running("mean"));
    assertArrayEquals(new float[] {4, 0.25f}, running("variance"));
  }

  @Test
  void aBatchOfOnePixelCountsItsBiasedVariance() {
    try (Tensor one = Samples.tensor(backend, Shape.of(1, 2), 5, 7);
        Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      norm.forward(tape, tape.constant(one));
    }
    assertArrayEquals(new float[] {0.5f, 0.7f}, running("mean"), 1e-6f);
    assertArrayEquals(new float[] {0.9f, 0.9f}, running("variance"), 1e-6f);
  }

  @Test
  void anEmptyBatchCountsNothing() {
    try (Tensor none = Samples.tensor(backend, Shape.of(0, 3, 3, 2));
        Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      norm.forward(tape, tape.constant(none));
    }
    assertArrayEquals(new float[] {0, 0}, running("mean"));
    assertArrayEquals(new float[] {1, 1}, running("variance"));
  }

  /** Gamma and beta cut from longer ones, as a supernet does, may be released like any value. */
  @Test
  void slicedGammaAndBetaMayBeReleased() {
    Initializer init = new Initializer(backend, new Rng(1));
    Parameter gammas = init.constant(3, 2, Parameter.Role.NORM);
    Parameter betas = init.constant(3, 1, Parameter.Role.NORM);
    BatchNormActivate.Running running =
        new BatchNormActivate.Running(init.buffer(2, 0), init.buffer(2, 1), 0.1f, EPSILON);
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable gamma = SliceChannels.apply(tape, gammas, 0, 2);
      Variable beta = SliceChannels.apply(tape, betas, 1, 3);
      Variable y =
          BatchNormActivate.apply(
              tape, tape.leaf(z), gamma, beta, running, Activation.SIGMOID, null);
      gamma.release();
      beta.release();
      y.release();
      assertEquals(8, y.value().size());
      tape.backward(y, Samples.uniform(backend, 4, y.shape()));
    }
    assertNotNull(gammas.gradient());
    assertEquals(0, array(backend, gammas.gradient())[2]);
    assertEquals(0, array(backend, betas.gradient())[0]);
    gammas.clearGradient();
    betas.clearGradient();
    gammas.value().close();
    betas.value().close();
    running.mean().close();
    running.variance().close();
  }

  @Test
  void theInnerProductIsForChainsThatEndInANorm() {
    Initializer init = new Initializer(backend, new Rng(1));
    Convolution convolution = new Convolution(init, 2, 2, Window.POINTWISE);
    BatchNorm activated = new BatchNorm(init, 2, EPSILON, Activation.RELU);
    List<NormalizedChain.ConvNorm> stages = List.of(convolution.before(activated));
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      assertThrows(
          IllegalArgumentException.class, () -> NormalizedChain.innerProduct(tape, z, stages, z));
    }
    convolution.close();
    activated.close();
  }

  @Test
  void aBiasBeforeANormIsRefused() {
    Initializer init = new Initializer(backend, new Rng(1));
    Convolution biased = new Convolution(init, 2, 2, Window.POINTWISE, Activation.IDENTITY);
    assertThrows(IllegalArgumentException.class, () -> biased.before(norm));
    biased.close();
  }
}
