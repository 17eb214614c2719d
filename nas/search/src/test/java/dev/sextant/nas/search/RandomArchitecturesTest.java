package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("long")
class RandomArchitecturesTest {
  private static ExpectedCost uniformCosts(int choices) {
    double[][] costs = new double[choices][];
    Arrays.setAll(costs, i -> new double[] {3, 6, 4, 8, 5, 10, 0});
    return new ExpectedCost(8, costs);
  }

  @Test
  void networksAreInTheWindowFromEndToEnd() {
    ExpectedCost cost = uniformCosts(21);
    Rng rng = new Rng(1);
    double range = cost.maximum() - cost.minimum();
    for (double share : new double[] {0.02, 0.1, 0.3, 0.5, 0.8, 0.99}) {
      double budget = cost.minimum() + share * range;
      for (int i = 0; i < 5; i++) {
        double ms = cost.of(RandomArchitectures.sample(cost, budget, 0.015, false, rng));
        // Costs are whole: where the window holds none, the next wider one does.
        assertEquals(budget, ms, Math.max(0.015 * budget, 0.5), "at " + share);
        double under = cost.of(RandomArchitectures.sample(cost, budget, 0.015, true, rng));
        assertTrue(under <= budget, under + " is above the ceiling " + budget);
      }
    }
  }

  /** The end of a range, which uniform draws would hit once in 7^21. */
  @Test
  void aCeilingAtTheCheapestNetworkGivesIt() {
    ExpectedCost cost = uniformCosts(21);
    int[] decisions = RandomArchitectures.sample(cost, 8, 0.015, true, new Rng(1));
    assertEquals(8, cost.of(decisions));
  }

  /** Of two choices among 0, 1, 2 ms the three of at most 1 ms, one as often as another. */
  @Test
  void networksOfAWindowAreEquallyLikely() {
    ExpectedCost cost = new ExpectedCost(0, new double[][] {{0, 1, 2}, {0, 1, 2}});
    Map<String, Integer> counts = new HashMap<>();
    Rng rng = new Rng(2);
    int draws = 12_000;
    for (int i = 0; i < draws; i++) {
      // Expected 2 ms of uniform decisions lies above: draws are tilted.
      int[] decisions = RandomArchitectures.sample(cost, 1.9, 0.015, true, rng);
      counts.merge(Arrays.toString(decisions), 1, Integer::sum);
    }
    assertEquals(3, counts.size());
    counts.forEach((network, count) -> assertEquals(draws / 3.0, count, 220, network));
  }

  @Test
  void theSameSeedDrawsTheSame() {
    ExpectedCost cost = uniformCosts(9);
    assertArrayEquals(
        RandomArchitectures.sample(cost, 40, 0.015, false, new Rng(3)),
        RandomArchitectures.sample(cost, 40, 0.015, false, new Rng(3)));
  }

  /** Where a layer's cost depends on the widths around it, draws are exact along the chain. */
  @Test
  void spacesWithWidthsHaveTheirBudgetsToo() {
    Space space = Space.named("tunas-proxyless-enlarged");
    ExpectedCost cost = Counts.MACS.costs(space);
    double[][] alike = new double[space.options().length][];
    for (int d = 0; d < alike.length; d++) {
      alike[d] = new double[space.options()[d]];
      Arrays.fill(alike[d], 1.0 / alike[d].length);
    }
    Rng rng = new Rng(4);
    for (double budget : new double[] {150e6, 300e6, 900e6}) {
      int[] drawn = RandomArchitectures.sample(cost, budget, 0.015, false, rng);
      assertEquals(budget, space.derive(drawn).macs(), 0.015 * budget);
      int[] derived = Derivation.mostProbable(alike, cost, 0.99 * budget, 1.01 * budget);
      assertNotNull(derived);
      assertEquals(budget, space.derive(derived).macs(), 0.0101 * budget);
    }
  }
}
