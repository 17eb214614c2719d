package dev.sextant.nas.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DerivationTest {
  /** A search that has ended: probabilities and costs of random decisions. */
  private record Instance(double[][] probabilities, ExpectedCost cost) {
    static Instance random(Rng rng, int choices, boolean wholeCosts) {
      double[][] p = new double[choices][];
      double[][] costs = new double[choices][];
      for (int i = 0; i < choices; i++) {
        int n = 2 + rng.nextInt(4);
        float[] alphas = new float[n];
        costs[i] = new double[n];
        for (int j = 0; j < n; j++) {
          alphas[j] = (float) (2 * rng.nextGaussian());
          costs[i][j] = wholeCosts ? rng.nextInt(6) : rng.uniform(0, 3);
        }
        p[i] = Probabilities.softmax(alphas);
      }
      return new Instance(p, new ExpectedCost(wholeCosts ? 2 : 0.7, costs));
    }

    double score(int[] decisions) {
      double score = 0;
      for (int i = 0; i < decisions.length; i++) {
        score += Math.log(probabilities[i][decisions[i]]);
      }
      return score;
    }

    /** The largest sum of ln p in the window by trying everything; minus infinity for none. */
    double bruteForce(double low, double high) {
      return bruteForce(low, high, List.of());
    }

    double bruteForce(double low, double high, List<Derivation.Ceiling> ceilings) {
      double best = Double.NEGATIVE_INFINITY;
      int[] decisions = new int[probabilities.length];
      while (true) {
        double ms = cost.of(decisions);
        if (ms >= low && ms <= high && keeps(ceilings, decisions)) {
          best = Math.max(best, score(decisions));
        }
        int i = 0;
        while (i < decisions.length && ++decisions[i] == probabilities[i].length) {
          decisions[i++] = 0;
        }
        if (i == decisions.length) {
          return best;
        }
      }
    }
  }

  /** Two further costs of random numbers, each with a ceiling. */
  @Test
  void findsTheMostProbableNetworkBelowCeilings() {
    Rng rng = new Rng(9);
    int none = 0;
    int held = 0;
    for (int trial = 0; trial < 300; trial++) {
      Instance instance = Instance.random(rng, 1 + rng.nextInt(5), trial % 2 == 0);
      List<Derivation.Ceiling> ceilings = new ArrayList<>();
      for (int c = 0; c < 1 + trial % 2; c++) {
        double[][] costs = new double[instance.probabilities.length][];
        for (int i = 0; i < costs.length; i++) {
          costs[i] = new double[instance.probabilities[i].length];
          for (int j = 0; j < costs[i].length; j++) {
            costs[i][j] = rng.uniform(0, 3);
          }
        }
        LayerSum sum = new ExpectedCost(1, costs).sum();
        ceilings.add(new Derivation.Ceiling(sum, rng.uniform(sum.minimum() - 0.1, sum.maximum())));
      }
      double low = instance.cost.minimum() - 1;
      double high = rng.uniform(instance.cost.minimum(), instance.cost.maximum());
      double expected = instance.bruteForce(low, high, ceilings);
      int[] found =
          Derivation.mostProbable(instance.probabilities, instance.cost, low, high, ceilings);
      if (expected == Double.NEGATIVE_INFINITY) {
        assertNull(found);
        none++;
      } else {
        assertNotNull(found);
        assertTrue(keeps(ceilings, found));
        assertEquals(expected, instance.score(found), 1e-9, "trial " + trial);
        held += instance.bruteForce(low, high) > expected + 1e-9 ? 1 : 0;
      }
    }
    assertTrue(none > 10 && held > 50, none + " without a network, ceilings held in " + held);
  }

  private static boolean keeps(List<Derivation.Ceiling> ceilings, int[] decisions) {
    return ceilings.stream().allMatch(c -> c.sum().of(decisions) <= c.most() * (1 + 1e-12));
  }

  @Test
  void findsTheMostProbableNetworkOfTheWindow() {
    Rng rng = new Rng(8);
    int none = 0;
    int constrained = 0;
    for (int trial = 0; trial < 400; trial++) {
      boolean wholeCosts = trial % 2 == 0;
      Instance instance = Instance.random(rng, 1 + rng.nextInt(6), wholeCosts);
      ExpectedCost cost = instance.cost;
      double low = rng.uniform(cost.minimum() - 0.2, cost.maximum() + 0.2);
      double width = trial % 3 == 0 ? 0.002 : rng.uniform(0, 1);
      if (wholeCosts) {
        // Sums of whole costs lie exactly on the ends of the window.
        low = Math.floor(low);
        width = rng.nextInt(2);
      }
      double expected = instance.bruteForce(low, low + width);
      int[] found = Derivation.mostProbable(instance.probabilities, cost, low, low + width);
      if (expected == Double.NEGATIVE_INFINITY) {
        assertNull(found);
        none++;
      } else {
        assertNotNull(found, "trial " + trial);
        assertTrue(cost.of(found) >= low - 1e-9 && cost.of(found) <= low + width + 1e-9);
        assertEquals(expected, instance.score(found), 1e-9, "trial " + trial);
        int[] free = Derivation.mostProbable(instance.probabilities);
        constrained += java.util.Arrays.equals(free, found) ? 0 : 1;
      }
    }
    assertTrue(none > 20 && constrained > 50, none + " without, " + constrained + " constrained");
  }

  /** 21 choices of 7, more networks than could be tried: the window still holds, near the best. */
  @Test
  void largeSpacesMeetNarrowWindows() {
    Rng rng = new Rng(9);
    for (int trial = 0; trial < 1; trial++) {
      double[][] p = new double[21][];
      double[][] costs = new double[21][7];
      for (int i = 0; i < 21; i++) {
        float[] alphas = new float[7];
        for (int j = 0; j < 7; j++) {
          alphas[j] = (float) rng.nextGaussian();
          costs[i][j] = rng.uniform(0, 1);
        }
        p[i] = Probabilities.softmax(alphas);
      }
      Instance instance = new Instance(p, new ExpectedCost(1, costs));
      double mode = instance.cost.of(Derivation.mostProbable(p));
      double low = mode * 0.9;
      int[] found = Derivation.mostProbable(p, instance.cost, low, low * 1.001);
      assertNotNull(found);
      double ms = instance.cost.of(found);
      assertTrue(ms >= low && ms <= low * 1.001, ms + " from " + low);
      int[] wider = Derivation.mostProbable(p, instance.cost, low, mode);
      assertNotNull(wider);
      assertTrue(instance.score(wider) >= instance.score(found));
    }
  }

  @Test
  void anUnconstrainedNetworkIsTheArgmax() {
    double[][] p = {{0.2, 0.8}, {0.6, 0.1, 0.3}};
    ExpectedCost cost = new ExpectedCost(0, new double[][] {{1, 2}, {3, 4, 5}});
    assertArrayEquals(new int[] {1, 0}, Derivation.mostProbable(p));
    assertArrayEquals(new int[] {1, 0}, Derivation.mostProbable(p, cost, 4, 6));
    // 0.8 x 0.3 at 7 ms; at 6 ms 0.8 x 0.1 against 0.2 x 0.3.
    assertArrayEquals(new int[] {1, 2}, Derivation.mostProbable(p, cost, 5.5, 8));
    assertArrayEquals(new int[] {1, 1}, Derivation.mostProbable(p, cost, 5.5, 6.5));
    assertNull(Derivation.mostProbable(p, cost, 8, 9));
    assertNull(Derivation.mostProbable(p, cost, 0, 3.9));
  }
}
