package dev.sextant.nas.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Identity;
import dev.sextant.nas.cells.CellFactors;
import dev.sextant.nas.cells.GenotypeSearch;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.objective.Reward;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Eq. 8, the baselines and TuNAS's warm-ups, by numbers computed by hand. */
class ReinforceTest {
  private static Layer block(int kernel, int expand) {
    return new MbConv(kernel, 1, expand, 4, Activation.RELU, 0, true);
  }

  /** One choice among two kernels, two expansions and skip: factors kernel, expansion, skip. */
  private static final Space SPACE =
      new Space(
          "grid",
          2,
          new Architecture.Input(4, 4, 4),
          1e-3,
          List.of(
              new Position.Choice(
                  List.of(block(3, 2), block(3, 4), block(5, 2), block(5, 4), new Skip())),
              new Position.Fixed(new GlobalAvgPool()),
              new Position.Fixed(new Linear(2))));

  /** Remembers what it was set to, in place of a network. */
  private static final class Recorder extends Supernet {
    private final Factors factoring;
    final List<int[]> selected = new ArrayList<>();

    Recorder(Factors factoring) {
      this.factoring = factoring;
    }

    @Override
    public Factors factoring() {
      return factoring;
    }

    @Override
    public void setOptions(int[] options) {
      selected.add(options.clone());
    }

    @Override
    public Tape.Mode trainingMode() {
      return Tape.Mode.TRAIN;
    }

    @Override
    public void copyWeights(int[] decisions, Network network) {
      throw new AssertionError("has no weights");
    }

    @Override
    public Variable forward(Tape tape, Variable x) {
      return new Identity().forward(tape, x);
    }
  }

  private static HeldOut accuracies(Recorder supernet, ToDoubleFunction<int[]> accuracy) {
    return new HeldOut() {
      @Override
      public Outcome gradients() {
        throw new AssertionError("rewards need no gradient");
      }

      @Override
      public Outcome evaluate() {
        return new Outcome(0, accuracy.applyAsDouble(supernet.selected.getLast()));
      }
    };
  }

  private static final ExpectedCost COST = new ExpectedCost(1, new double[][] {{1, 2, 3, 4, 0}});
  private static final Objective ACCURACY_ALONE = new Reward.Soft(0, 1);

  /**
   * Three networks with rewards R on the same batch, b their mean; each adds -(R - b)/3 (delta - p)
   * to the gradient of each factor it uses. Factors of a skipped layer are not used.
   */
  @Test
  void theGradientIsThatOfEquation8() {
    try (Backend backend = Backend.cpu(1)) {
      Recorder supernet = new Recorder(Factoring.grid(SPACE));
      Reinforce.Config config = new Reinforce.Config(3, 0, false, false, 0);
      try (Reinforce policy =
          new Reinforce(
              backend, supernet, COST, COST::expected, ACCURACY_ALONE, config, new Rng(6))) {
        // Probabilities 1/2 and 1/2, 1/4 and 3/4, 3/5 and 2/5.
        policy.alphas().set(1, 0, (float) Math.log(3));
        policy.alphas().set(2, (float) Math.log(1.5), 0);
        double[] rewards = {0.9, 0.3, 0.6};
        double[][] gradient =
            policy.gradient(
                accuracies(supernet, _ -> rewards[supernet.selected.size() - 1]), ACCURACY_ALONE);
        double[][] p = {{0.5, 0.5}, {0.25, 0.75}, {0.6, 0.4}};
        double[][] expected = new double[3][2];
        boolean skipped = false;
        for (int m = 0; m < 3; m++) {
          int[] options = supernet.selected.get(m);
          boolean skip = options[2] == 1;
          skipped |= skip;
          for (int f = skip ? 2 : 0; f < 3; f++) {
            for (int k = 0; k < 2; k++) {
              expected[f][k] += -(rewards[m] - 0.6) / 3 * ((options[f] == k ? 1 : 0) - p[f][k]);
            }
          }
        }
        assertTrue(skipped, "one of the three was skipped");
        for (int f = 0; f < 3; f++) {
          assertArrayEquals(expected[f], gradient[f], 1e-7, "factor " + f);
        }
      }
      assertEquals(0, backend.memory().current());
    }
  }

  /** The reward is larger for the larger kernel and the smaller expansion, so both are learned. */
  @Test
  void alphasFollowRewards() {
    try (Backend backend = Backend.cpu(1)) {
      Recorder supernet = new Recorder(Factoring.grid(SPACE));
      try (Reinforce policy =
          new Reinforce(
              backend,
              supernet,
              COST,
              COST::expected,
              new Reward.Absolute(-0.5, 4),
              Reinforce.Config.tunas(2),
              new Rng(7))) {
        for (int step = 0; step < 400; step++) {
          // Cost 1 + 3 of decision 2, kernel 5 and expansion 2, is on target.
          policy.learn(accuracies(supernet, options -> 0.2 + 0.1 * options[0]), 0.02);
        }
        double[] p = policy.probabilities()[0];
        assertTrue(p[2] > 0.8, "decision 2 has " + p[2]);
        assertEquals(2, Derivation.mostProbable(policy.preferences())[0]);
        assertEquals(COST.expected(policy.probabilities()), policy.expectedCost());
      }
    }
  }

  /** Ops 2 of edges 2 and 4 are right: which edges a node keeps is learned as well as their ops. */
  @Test
  void cellsFollowRewards() {
    Architecture.Input input = new Architecture.Input(8, 8, 2);
    List<Op> ops =
        List.of(new Op(Kind.ZERO, 0), new Op(Kind.AVG_POOL, 3), new Op(Kind.IDENTITY, 0));
    CellSpace cells = new CellSpace(input, 2, 2, ops, 4, 3, 1, false);
    try (Backend backend = Backend.cpu(1)) {
      Recorder supernet = new Recorder(new CellFactors(cells));
      try (Reinforce policy =
          new Reinforce(
              backend,
              supernet,
              _ -> 1,
              _ -> 1,
              ACCURACY_ALONE,
              new Reinforce.Config(4, 0.01, false, true, 0),
              new Rng(9))) {
        for (int step = 0; step < 300; step++) {
          policy.learn(
              accuracies(
                  supernet,
                  options -> 0.2 + (options[2] == 2 ? 0.2 : 0) + (options[4] == 2 ? 0.2 : 0)),
              0.05);
        }
        int[] found =
            new GenotypeSearch(cells, decisions -> new double[decisions.size()])
                .mostProbable(policy.preferences());
        assertArrayEquals(new int[] {2, 0, 2}, Arrays.copyOfRange(found, 2, 5));
        policy.sample(0, 0);
        assertArrayEquals(
            new int[] {2, 0, 2}, Arrays.copyOfRange(supernet.selected.getLast(), 2, 5));
        policy.sample(1, 0);
        assertArrayEquals(
            new int[] {Factors.ALL, 0, Factors.ALL},
            Arrays.copyOfRange(supernet.selected.getLast(), 2, 5));
      }
    }
  }

  /** ProxylessNAS: 0.5, then 0.01 x 0.5 + 0.99 x 0.7. */
  @Test
  void proxylessBaselineIsAboutTheMeanOfTheStep() {
    Baseline baseline = new Baseline(0.01, false);
    assertEquals(0.5, baseline.update(0.5), 1e-12);
    assertEquals(0.698, baseline.update(0.7), 1e-12);
  }

  /** TuNAS: sums 0.05 x 0.5, 0.95 x 0.025 + 0.05 x 0.7, over weights 0.05, 0.0975. */
  @Test
  void tunasBaselineIsASlowAverageWithoutItsBias() {
    Baseline baseline = new Baseline(0.95, true);
    assertEquals(0.5, baseline.update(0.5), 1e-12);
    assertEquals(0.05875 / 0.0975, baseline.update(0.7), 1e-12);
    Baseline resumed = new Baseline(0.95, true);
    resumed.restore(baseline.state());
    assertEquals(baseline.update(0.1), resumed.update(0.1));
  }

  /**
   * While a share c of the warm-up is to come, kernel and skip are averaged and the expansion is
   * the largest, each with probability c and independently. With 20,000 draws a frequency deviates
   * by at most 0.0036.
   */
  @Test
  void warmUpsReplaceEachFactorIndependently() {
    int draws = 20_000;
    try (Backend backend = Backend.cpu(1)) {
      Recorder supernet = new Recorder(Factoring.grid(SPACE));
      try (Reinforce policy =
          new Reinforce(
              backend,
              supernet,
              COST,
              COST::expected,
              ACCURACY_ALONE,
              Reinforce.Config.tunas(1),
              new Rng(8))) {
        for (double cold : new double[] {1, 0.4, 0}) {
          supernet.selected.clear();
          int[] all = new int[3];
          int both = 0;
          int largest = 0;
          for (int i = 0; i < draws; i++) {
            policy.sample(cold, 0);
            int[] options = supernet.selected.getLast();
            for (int f = 0; f < 3; f++) {
              all[f] += options[f] == Factoring.ALL ? 1 : 0;
            }
            both += options[0] == Factoring.ALL && options[2] == Factoring.ALL ? 1 : 0;
            largest += options[1] == 1 ? 1 : 0;
          }
          assertEquals(cold, (double) all[0] / draws, 0.015);
          assertEquals(cold, (double) all[2] / draws, 0.015);
          assertEquals(0, all[1], "numbers of filters are never averaged");
          assertEquals(cold * cold, (double) both / draws, 0.015);
          // Drawn alike the larger comes half of the time anyway.
          assertEquals(cold + (1 - cold) / 2, (double) largest / draws, 0.015);
        }
      }
    }
  }
}
