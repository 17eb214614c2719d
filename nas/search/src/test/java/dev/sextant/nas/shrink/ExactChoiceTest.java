package dev.sextant.nas.shrink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Rng;
import org.junit.jupiter.api.Test;

class ExactChoiceTest {
  private static double[][] random(int choices, int options, Rng rng, boolean whole) {
    double[][] values = new double[choices][options];
    for (double[] of : values) {
      for (int j = 0; j < options; j++) {
        values[choices > 0 ? indexOf(values, of) : 0][j] =
            whole ? Math.floor(6 * rng.nextDouble()) - 1 : rng.nextDouble();
      }
    }
    return values;
  }

  private static int indexOf(double[][] values, double[] of) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == of) {
        return i;
      }
    }
    throw new AssertionError();
  }

  private static double sum(double[][] values, int[] options) {
    double sum = 0;
    for (int i = 0; i < options.length; i++) {
      sum += values[i][options[i]];
    }
    return sum;
  }

  /** The least score of all networks within the budget; infinite where there is none. */
  private static double byTryingAll(double[][] costs, double[][] scores, double budget) {
    int choices = costs.length;
    int[] options = new int[choices];
    double best = Double.POSITIVE_INFINITY;
    while (true) {
      if (sum(costs, options) <= budget) {
        best = Math.min(best, sum(scores, options));
      }
      int at = 0;
      while (at < choices && ++options[at] == costs[at].length) {
        options[at++] = 0;
      }
      if (at == choices) {
        return best;
      }
    }
  }

  @Test
  void isWhatTryingAllFinds() {
    Rng rng = new Rng(1);
    int within = 0;
    for (int run = 0; run < 400; run++) {
      int choices = 1 + run % 5;
      boolean whole = run % 2 == 0;
      double[][] costs = random(choices, 1 + run % 4, rng, whole);
      double[][] scores = random(choices, 1 + run % 4, rng, whole);
      double budget = choices * (whole ? 1 + Math.floor(2 * rng.nextDouble()) : rng.nextDouble());
      double expected = byTryingAll(costs, scores, budget);
      ExactChoice.Choice found = ExactChoice.best(costs, scores, budget);
      if (expected == Double.POSITIVE_INFINITY) {
        assertNull(found);
        continue;
      }
      assertNotNull(found);
      within++;
      assertEquals(expected, found.score(), 1e-9, "run " + run);
      assertEquals(found.score(), sum(scores, found.options()), 1e-12);
      assertTrue(sum(costs, found.options()) <= budget + 1e-9);
      assertEquals(found.score(), found.bound());
    }
    assertTrue(within > 200, () -> "too few with a solution");
  }

  /** As large as networks are: sixty choices of sixty candidates, and no gap. */
  @Test
  void largeOnesAreExactToo() {
    Rng rng = new Rng(2);
    double[][] costs = random(60, 60, rng, false);
    double[][] scores = random(60, 60, rng, false);
    ExactChoice.Choice found = ExactChoice.best(costs, scores, 10);
    assertNotNull(found);
    assertEquals(found.score(), found.bound());
    assertTrue(sum(costs, found.options()) <= 10 + 1e-9);
  }

  /** With few partial sums kept, what may be missed is told. */
  @Test
  void aGapIsTold() {
    Rng rng = new Rng(3);
    int told = 0;
    for (int run = 0; run < 50; run++) {
      double[][] costs = random(8, 4, rng, false);
      double[][] scores = random(8, 4, rng, false);
      double expected = byTryingAll(costs, scores, 3);
      ExactChoice.Choice found = ExactChoice.best(costs, scores, 3, 1);
      if (found != null) {
        assertTrue(found.bound() <= expected + 1e-9 && expected <= found.score() + 1e-9);
        told += found.score() > found.bound() ? 1 : 0;
      }
    }
    assertTrue(told > 0);
  }
}
