package dev.sextant.nas.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Eq. 8 and 9 on a network of two choices, and preferences by hand. */
@Tag("long")
class ThresholdsTest {
  private static final int BATCH = 8;
  private static final double RATE = 0.01;

  private static Layer block(int kernel, int expand) {
    return new MbConv(kernel, 1, expand, 4, Activation.RELU6, 0, true);
  }

  private static final Position.Choice CHOICE =
      new Position.Choice(List.of(block(3, 2), block(3, 4), block(5, 2), block(5, 4), new Skip()));

  private static final Space SPACE =
      new Space(
          "two",
          4,
          new Architecture.Input(6, 6, 4),
          1e-3,
          List.of(
              CHOICE,
              CHOICE,
              new Position.Fixed(new GlobalAvgPool()),
              new Position.Fixed(new Linear(4))));

  private static final ExpectedCost COST =
      new ExpectedCost(1, new double[][] {{1, 1.6, 1.4, 2, 0}, {1, 1.6, 1.4, 2, 0}});

  /** A supernet whose weights stay, and a policy. */
  private static final class Rig implements AutoCloseable {
    final Backend backend = Backend.reference();
    final SuperkernelSupernet supernet =
        new SuperkernelSupernet(SPACE, new Initializer(backend, new Rng(1)));
    final Thresholds policy;
    private final Outcome outcome = new Outcome(0, 0);
    private final Rng images = new Rng(3);

    Rig(Loss loss, @Nullable LambdaController controller) {
      policy = new Thresholds(backend, supernet, COST, loss, controller, new Rng(2));
      for (String layer : new String[] {"layers.0.", "layers.1."}) {
        backend.elementwise().fill(tensor(layer + "project_norm.gamma"), 1);
      }
    }

    Tensor tensor(String path) {
      return Objects.requireNonNull(supernet.state().get(path));
    }

    float[] floats(String path) {
      return tensor(path).toArray();
    }

    /** A weight step without the step of the weights. */
    void step(double cold, double rate) {
      policy.sample(cold, 0);
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        Tensor x = backend.memory().floats(Shape.of(BATCH, 6, 6, 4), Category.DATA, "images");
        Tensor labels = backend.memory().ints(Shape.of(BATCH), Category.DATA, "labels");
        for (int i = 0; i < BATCH; i++) {
          labels.ints()[labels.offset() + i] = i % 4;
        }
        for (int i = 0; i < x.size(); i++) {
          int label = i / (x.size() / BATCH) % 4;
          x.floats()[x.offset() + i] = (float) (images.nextGaussian() + (i % 4 == label ? 0.5 : 0));
        }
        Variable logits = supernet.forward(tape, tape.constant(x));
        Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
        outcome.set(backend.elementwise().sum(loss.value()), 0);
        tape.backward(loss);
      }
      policy.learnWithWeights(outcome, rate);
      supernet.parameters().values().forEach(Parameter::clearGradient);
    }

    int[] decode() {
      return Derivation.mostProbable(policy.preferences());
    }

    @Override
    public void close() {
      policy.close();
      supernet.close();
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
      backend.close();
    }
  }

  /**
   * All weights 0.3, and so all norms. Thresholds 0.15, 0, 0.6: margins of 1/2, 1, -1/2 of the
   * larger of norm and threshold, preferences sigmoid(2), sigmoid(4), sigmoid(-2).
   */
  @Test
  void preferencesByHand() {
    try (Rig rig = new Rig(new Loss.AddLog(0), null)) {
      rig.backend.elementwise().fill(rig.tensor("layers.0.depthwise.weight"), 0.3f);
      rig.policy.alphas().set(0, 0.15f, 0, 0.6f);
      double shell = 0.880797;
      double layer = 0.982014;
      double half = 0.119203;
      double[] expected = {
        (1 - shell) * layer * (1 - half),
        (1 - shell) * layer * half,
        shell * layer * (1 - half),
        shell * layer * half,
        1 - layer
      };
      assertArrayEquals(expected, rig.policy.probabilities()[0], 1e-6);
      expected[4] *= shell * (1 - half);
      assertArrayEquals(expected, rig.policy.preferences()[0], 1e-6);
      assertEquals(2, rig.decode()[0]);
      // A shell that is shut takes nothing from the norms of channels: they have what is left.
      rig.policy.alphas().set(0, 0.31f, 0.2f, 0.15f);
      // sqrt(9 / 25) 0.3 = 0.18: below 0.2, above 0.15.
      assertEquals(4, rig.decode()[0]);
      rig.policy.alphas().set(0, 0.31f, 0.17f, 0.15f);
      assertEquals(1, rig.decode()[0]);
    }
  }

  /**
   * From all gates open: where cost outweighs the loss the thresholds rise across the norms, and
   * everything is shut; where it is welcome they fall.
   */
  @Test
  void thresholdsCrossTheNorms() {
    try (Rig dear = new Rig(new Loss.AddLog(20), null);
        Rig welcome = new Rig(new Loss.AddLog(-20), null)) {
      assertArrayEquals(new int[] {3, 3}, dear.decode());
      assertEquals(0, dear.policy.movement());
      for (int step = 0; step < 120; step++) {
        dear.step(0, RATE);
        welcome.step(0, RATE);
      }
      assertArrayEquals(new int[] {4, 4}, dear.decode());
      assertArrayEquals(new int[] {3, 3}, welcome.decode());
      for (int i = 0; i < 2; i++) {
        for (int gate = 0; gate < 3; gate++) {
          float risen = dear.policy.alphas().values(i)[gate];
          float fallen = welcome.policy.alphas().values(i)[gate];
          assertTrue(risen > 0.05 && fallen < -0.05, risen + " and " + fallen);
        }
      }
      assertTrue(dear.policy.expectedCost() < 1.6, () -> "" + dear.policy.expectedCost());
      assertTrue(welcome.policy.expectedCost() > 4.5, () -> "" + welcome.policy.expectedCost());
    }
  }

  /** Whatever the loss says, the expected cost comes to the budget. */
  @Test
  void theTradeOffIsControlled() {
    for (double budget : new double[] {2, 3.5}) {
      try (Rig rig = new Rig(new Loss.AddLog(0.2), new LambdaController(budget))) {
        double sum = 0;
        for (int step = 0; step < 300; step++) {
          rig.step(0, RATE);
          sum += step < 200 ? 0 : rig.policy.expectedCost() / 100;
        }
        assertEquals(budget, sum, 0.08 * budget);
      }
    }
  }

  /** Six of ten gates are kept in the warm-up, as 1 / 0.6; later all, as 1. Nothing learns yet. */
  @Test
  void gatesAreDroppedWhileItIsCold() {
    try (Rig rig = new Rig(new Loss.AddLog(1), null)) {
      int kept = 0;
      int draws = 400;
      for (int draw = 0; draw < draws; draw++) {
        rig.policy.sample(0.5, 0);
        for (float scale : rig.floats("layers.1.scales")) {
          assertTrue(scale == 0 || scale == (float) (1 / 0.6), () -> "" + scale);
          kept += scale > 0 ? 1 : 0;
        }
      }
      assertEquals(0.6, kept / (3.0 * draws), 0.05);
      rig.policy.sample(0, 0);
      assertArrayEquals(new float[] {1, 1, 1}, rig.floats("layers.1.scales"));
      rig.step(1, 0);
      assertEquals(0, rig.policy.movement());
      assertEquals(1, rig.policy.objective().lambda());
    }
  }

  @Test
  void stateContinues() {
    try (Rig rig = new Rig(new Loss.AddLog(0.2), new LambdaController(3));
        Rig other = new Rig(new Loss.AddLog(0.2), new LambdaController(3))) {
      for (int step = 0; step < 5; step++) {
        rig.step(0, RATE);
      }
      other.policy.restore(rig.policy.state());
      assertArrayEquals(rig.policy.state(), other.policy.state());
      assertEquals(rig.policy.expectedCost(), other.policy.expectedCost());
      assertEquals(rig.policy.objective().lambda(), other.policy.objective().lambda());
    }
  }
}
