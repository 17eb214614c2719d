package dev.sextant.nas.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.cost.DifferentiableCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BinaryGatesTest {
  private static final Loss LATENCY = new Loss.Additive(1);

  /** A supernet with one choice among convolutions, and its gates. */
  private static final class Rig implements AutoCloseable, DifferentiableCost {
    final Backend backend = Backend.cpu(1);
    final MultiPathSupernet supernet;
    final BinaryGates gates;
    double[] costs = new double[0];
    double[] asked = new double[0];

    Rig(GateMode mode, float... alphas) {
      this(mode, LATENCY, alphas);
    }

    Rig(GateMode mode, Loss loss, float... alphas) {
      costs = new double[alphas.length];
      List<Layer> candidates =
          List.<Layer>of(
                  conv(1, Activation.RELU),
                  conv(3, Activation.RELU),
                  conv(5, Activation.RELU),
                  new Skip())
              .subList(4 - alphas.length, 4);
      Space space =
          new Space(
              "tiny",
              2,
              new Architecture.Input(4, 4, 2),
              1e-3,
              List.of(
                  new Position.Choice(candidates),
                  new Position.Fixed(new GlobalAvgPool()),
                  new Position.Fixed(new Linear(2))));
      supernet = new MultiPathSupernet(space, new Initializer(backend, new Rng(1)));
      gates = new BinaryGates(backend, supernet, mode, this, loss, null, new Rng(2));
      set(alphas);
    }

    private static Layer conv(int kernel, Activation activation) {
      return new Conv(kernel, 1, 1, 2, true, activation);
    }

    void set(float... alphas) {
      gates.alphas().set(0, alphas);
    }

    float[] alphas() {
      return gates.alphas().values(0);
    }

    int active() {
      return supernet.choices().getFirst().active();
    }

    /** Draws gates and updates by the cost alone: no backward pass leaves gates' gradients. */
    void stepByCost(double rate, double... newCosts) {
      costs = newCosts;
      gates.learn(images(() -> 0), rate);
    }

    @Override
    public double of(int[] decisions) {
      return costs[decisions[0]];
    }

    @Override
    public double expected(double[][] probabilities) {
      double sum = 0;
      for (int j = 0; j < costs.length; j++) {
        sum += probabilities[0][j] * costs[j];
      }
      return sum;
    }

    @Override
    public void gradient(double[][] probabilities, double[][] gradient) {
      asked = probabilities[0].clone();
      gradient[0] = costs.clone();
    }

    @Override
    public void close() {
      gates.close();
      supernet.close();
      assertEquals(0, backend.memory().current(), backend.memory().largestHolders());
      backend.close();
    }
  }

  private static HeldOut images(DoubleSupplier crossEntropy) {
    return new HeldOut() {
      @Override
      public Outcome gradients() {
        return new Outcome(crossEntropy.getAsDouble(), 0);
      }

      @Override
      public Outcome evaluate() {
        throw new AssertionError("gates need gradients");
      }
    };
  }

  private static float ln(double value) {
    return (float) Math.log(value);
  }

  /** Eq. 2. With 20,000 draws the deviation of a frequency is at most 0.0036. */
  @Test
  void gatesOpenWithTheSoftmaxOfAlphas() {
    int draws = 20_000;
    try (Rig rig = new Rig(GateMode.RECOMPUTE, ln(5), ln(3), ln(2))) {
      int[] weightSteps = new int[3];
      int[] architectureSteps = new int[3];
      for (int i = 0; i < draws; i++) {
        rig.gates.sample(0, 0);
        weightSteps[rig.active()]++;
        rig.gates.sampleGates();
        architectureSteps[rig.active()]++;
      }
      double[] p = {0.5, 0.3, 0.2};
      for (int j = 0; j < 3; j++) {
        assertEquals(p[j], (double) weightSteps[j] / draws, 0.014);
        assertEquals(p[j], (double) architectureSteps[j] / draws, 0.014);
      }
    }
  }

  /**
   * Pairs without replacement from (0.5, 0.3, 0.2): {0, 1} comes with 0.5 x 0.3 / 0.5 + 0.3 x 0.5 /
   * 0.7 = 0.514286, {0, 2} with 0.5 x 0.2 / 0.5 + 0.2 x 0.5 / 0.8 = 0.325, {1, 2} with the
   * remaining 0.160714. The first is active with 0.514286 x 5 / 8 + 0.325 x 5 / 7 = 0.553571.
   */
  @Test
  void twoPathsAreDrawnWithoutReplacement() {
    int draws = 8_000;
    try (Rig rig = new Rig(GateMode.TWO_PATH, ln(5), ln(3), ln(2))) {
      int[] left = new int[3];
      int firstActive = 0;
      float[] before = {ln(5), ln(3), ln(2)};
      for (int i = 0; i < draws; i++) {
        rig.set(before);
        rig.stepByCost(1e-3, 1, 2, 4);
        firstActive += rig.active() == 0 ? 1 : 0;
        float[] after = rig.alphas();
        for (int j = 0; j < 3; j++) {
          left[j] += after[j] == before[j] ? 1 : 0;
        }
      }
      assertEquals(0.514286, (double) left[2] / draws, 0.023);
      assertEquals(0.325, (double) left[1] / draws, 0.023);
      assertEquals(0.160714, (double) left[0] / draws, 0.023);
      assertEquals(0.553571, (double) firstActive / draws, 0.023);
    }
  }

  @Test
  void twoPathStepsKeepAllOtherProbabilities() {
    try (Rig rig = new Rig(GateMode.TWO_PATH, 0.4f, -0.2f, 0.1f, 0.7f)) {
      for (int step = 0; step < 300; step++) {
        float[] before = rig.alphas();
        double[] p = rig.gates.probabilities()[0];
        rig.stepByCost(0.02, 3, 1, 4, 2);
        float[] after = rig.alphas();
        double[] q = rig.gates.probabilities()[0];
        double sumBefore = 0;
        double sumAfter = 0;
        int up = 0;
        int down = 0;
        for (int j = 0; j < 4; j++) {
          sumBefore += Math.exp(before[j]);
          sumAfter += Math.exp(after[j]);
          if (after[j] == before[j]) {
            assertEquals(p[j], q[j], 1e-6);
          } else if (after[j] > before[j]) {
            up++;
          } else {
            down++;
          }
        }
        assertEquals(1, sumAfter / sumBefore, 1e-6);
        assertTrue(up <= 1 && down <= 1, "one path is enhanced, the other attenuated");
      }
      assertEquals(1, Probabilities.argmax(rig.gates.probabilities()[0]));
    }
  }

  /**
   * Adam with beta1 = 0 moves an alpha by rate x g / |g| in its first step: costs (1, 0, -1) under
   * equal probabilities have the gradient (1, 0, -1) / 3.
   */
  @Test
  void anAlphaWithoutAGradientDoesNotMove() {
    try (Rig rig = new Rig(GateMode.RECOMPUTE, 0, 0, 0)) {
      rig.stepByCost(0.01, 1, 0, -1);
      assertArrayEquals(new float[] {-0.01f, 0, 0.01f}, rig.alphas(), 1e-7f);
      float[] moved = rig.alphas();
      for (int i = 0; i < 5; i++) {
        // Neither momentum nor decay moves them on.
        rig.stepByCost(0.01, 0, 0, 0);
        assertArrayEquals(moved, rig.alphas(), 0f);
      }
    }
  }

  /**
   * After a pass, alphas follow the gates' gradients and the costs together, and skip's alpha moves
   * whether skip is active or not.
   */
  @ParameterizedTest
  @EnumSource
  void alphasFollowLossAndCost(GateMode mode) {
    try (Rig rig = new Rig(mode, new Loss.AddLinear(0.05, 2), 0.3f, 0.1f, -0.2f, 0)) {
      boolean[] seen = new boolean[4];
      rig.costs = new double[] {1, 2, 3, 0};
      for (int step = 0; step < 40; step++) {
        double[] p = rig.gates.probabilities()[0];
        float[] before = rig.alphas();
        rig.gates.learn(images(() -> pass(rig)), 0.001);
        seen[rig.active()] = true;
        double[] slopes = rig.supernet.choices().getFirst().gateGradients();
        float[] after = rig.alphas();
        assertEquals(1, Arrays.stream(rig.asked).sum(), 1e-12);
        int moved = 0;
        for (int j = 0; j < 4; j++) {
          // In a pair, E is that of the two alone.
          moved += rig.asked[j] > 0 ? 1 : 0;
          slopes[j] += 0.05 / 2 * rig.costs[j];
        }
        assertEquals(mode == GateMode.TWO_PATH ? 2 : 4, moved);
        if (mode != GateMode.TWO_PATH) {
          assertArrayEquals(p, rig.asked, 1e-12);
          double[] gradient = Probabilities.throughSoftmax(slopes, p);
          for (int j = 0; j < 4; j++) {
            assertTrue((after[j] - before[j]) * gradient[j] < 0, "against its gradient");
          }
        }
      }
      assertTrue(seen[3], "skip was active");
      assertTrue(seen[0] || seen[1] || seen[2]);
    }
  }

  private static double pass(Rig rig) {
    rig.supernet.freezeWeights(true);
    try (Tape tape = new Tape(rig.backend, Tape.Mode.TRAIN_STATELESS)) {
      Tensor images = rig.backend.memory().floats(Shape.of(6, 4, 4, 2), Category.DATA, "images");
      Rng rng = new Rng(3);
      for (int i = 0; i < images.size(); i++) {
        images.floats()[images.offset() + i] = (float) rng.nextGaussian();
      }
      Tensor labels = rig.backend.memory().ints(Shape.of(6), Category.DATA, "labels");
      labels.set(0, 1, 1, 0, 1, 0);
      Variable logits = rig.supernet.forward(tape, tape.constant(images));
      Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
      double value = rig.backend.elementwise().sum(loss.value());
      tape.backward(loss);
      return value;
    }
  }
}
