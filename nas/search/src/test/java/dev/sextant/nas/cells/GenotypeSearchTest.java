package dev.sextant.nas.cells;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Cells found by cost, against all the cells there are in a space of 2304. */
@Tag("long")
final class GenotypeSearchTest {
  private static final CellSpace SPACE =
      new CellSpace(
          new Input(8, 8, 1),
          3,
          2,
          List.of(new Op(Kind.ZERO, 0), new Op(Kind.MAX_POOL, 3), new Op(Kind.SEPARABLE, 3)),
          4,
          3,
          1,
          false);

  /** No sum over edges: two separable convolutions into one node share their reading. */
  private static final CellCost COST =
      decisions -> decisions.stream().mapToDouble(GenotypeSearchTest::cost).toArray();

  private static final GenotypeSearch SEARCH = new GenotypeSearch(SPACE, COST);

  private static double cost(int[] decisions) {
    double cost = 1;
    for (int edge = 0; edge < decisions.length; edge++) {
      cost += decisions[edge] == 2 ? 1 + 0.01 * edge : 0.1 * decisions[edge];
    }
    return decisions[0] == 2 && decisions[1] == 2 ? cost - 0.5 : cost;
  }

  private static List<int[]> all() {
    List<int[]> all = new ArrayList<>();
    int[] digits = new int[10];
    for (int code = 0; code < 59_049; code++) {
      int rest = code;
      for (int i = 0; i < 10; i++) {
        digits[i] = rest % 3;
        rest /= 3;
      }
      if (kept(digits, 0, 2) && kept(digits, 2, 5) && kept(digits, 5, 7) && kept(digits, 7, 10)) {
        all.add(digits.clone());
      }
    }
    return all;
  }

  private static boolean kept(int[] digits, int from, int to) {
    return Arrays.stream(digits, from, to).filter(op -> op > 0).count() == CellSpace.KEPT;
  }

  private static double[][] weights(long seed) {
    Rng rng = new Rng(seed);
    double[][] weights = new double[10][3];
    for (double[] row : weights) {
      for (int op = 0; op < 3; op++) {
        row[op] = rng.uniform(0.01, 1);
      }
    }
    return weights;
  }

  private static double score(double[][] weights, int[] decisions) {
    double score = 0;
    for (int edge = 0; edge < 10; edge++) {
      score += decisions[edge] > 0 ? Math.log(weights[edge][decisions[edge]]) : 0;
    }
    return score;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void findsTheMostProbableCells(long seed) {
    double[][] weights = weights(seed);
    List<int[]> all = all();
    assertEquals(2304, all.size());
    int[] free = best(weights, all, 0, 100);
    assertArrayEquals(free, SEARCH.mostProbable(weights));
    for (double low = 2; low < 9; low += 0.5) {
      int[] best = best(weights, all, low, low + 0.3);
      int[] found = SEARCH.mostProbable(weights, low, low + 0.3);
      if (best.length == 0) {
        assertNull(found);
        continue;
      }
      assertNotNull(found, "at " + low);
      assertTrue(cost(found) >= low && cost(found) <= low + 0.3);
      // Not always the best of all, but never far from it.
      assertEquals(score(weights, best), score(weights, found), 0.6, "at " + low);
    }
  }

  private static int[] best(double[][] weights, List<int[]> all, double low, double high) {
    int[] best = {};
    for (int[] decisions : all) {
      boolean within = cost(decisions) >= low && cost(decisions) <= high;
      if (within && (best.length == 0 || score(weights, decisions) > score(weights, best))) {
        best = decisions;
      }
    }
    return best;
  }

  @Test
  void extremes() {
    double[] costs = all().stream().mapToDouble(GenotypeSearchTest::cost).sorted().toArray();
    assertEquals(costs[0], SEARCH.minimum(), 1e-12);
    assertEquals(costs[costs.length - 1], SEARCH.maximum(), 1e-12);
  }

  /** 4000 draws from a window of some 50 cells: each about as often as another. */
  @Test
  void samplesUniformlyWithinTheWindow() {
    long within = all().stream().filter(d -> cost(d) >= 5 && cost(d) <= 5.1).count();
    Map<String, Integer> drawn = new HashMap<>();
    Rng rng = new Rng(3);
    for (int i = 0; i < 4000; i++) {
      int[] decisions = SEARCH.sample(5, 5.1, rng);
      assertTrue(cost(decisions) >= 5 && cost(decisions) <= 5.1);
      drawn.merge(Arrays.toString(decisions), 1, Integer::sum);
    }
    assertEquals(within, drawn.size());
    double mean = 4000.0 / within;
    drawn.forEach((cell, count) -> assertEquals(mean, count, 6 * Math.sqrt(mean), cell));
  }

  /** No random cell has the least cost of a large space: moves lead there. */
  @Test
  void walksToARareWindow() {
    CellNetworkSpace space = (CellNetworkSpace) SearchSpace.named("darts-cifar");
    CellCounts counts = new CellCounts(space.cells(), 36, 20, Architecture::macs);
    GenotypeSearch search =
        new GenotypeSearch(space.cells(), CellCost.counted(space.cells(), counts));
    assertEquals(counts.minimum(), search.minimum());
    assertEquals(counts.maximum(), search.maximum());
    double high = counts.minimum() * 1.0001;
    int[] drawn = search.sample(0, high, new Rng(1));
    assertTrue(search.cost(drawn) <= high);
    assertEquals(space.derive(drawn).macs(), search.cost(drawn));
    // 817,833,600: separable 5x5 on every edge but those of reductions' inner nodes, or there too.
    assertEquals(817_833_600, counts.maximum());
  }
}
