package dev.sextant.nas.cells;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How cells are drawn, by numbers computed by hand and by enumeration. */
final class CellFactorsTest {
  /** Edges of a type: 0 and 1 into node 2, 2 to 4 into node 3, of which two are kept. */
  private static final int EDGES = 5;

  private static CellSpace space(boolean edgeNormalized) {
    List<Op> ops =
        List.of(new Op(Kind.ZERO, 0), new Op(Kind.AVG_POOL, 3), new Op(Kind.IDENTITY, 0));
    return new CellSpace(new Input(8, 8, 2), 3, 2, ops, 4, 3, 1, edgeNormalized);
  }

  /** All alike but for node 3 of the normal cell, whose odds are 1, 2 and 3. */
  private static double[][] byHand() {
    double[][] p = new double[2 * EDGES][];
    Arrays.setAll(p, _ -> new double[] {1.0 / 3, 1.0 / 3, 1.0 / 3});
    p[2] = new double[] {1.0 / 2, 1.0 / 4, 1.0 / 4};
    p[4] = new double[] {1.0 / 4, 1.0 / 4, 1.0 / 2};
    return p;
  }

  /**
   * Pairs (2, 3), (2, 4), (3, 4) have 2/11, 3/11, 6/11, edges 5/11, 8/11, 9/11; edge 2 with op 1
   * and edge 4 with op 2 has 3/11 x 1/2 x 2/3 = 1/11.
   */
  @Test
  void drawsAndScoresByHand() {
    CellFactors factors = new CellFactors(space(false));
    double[][] p = byHand();
    int[] options = new int[2 * EDGES];
    Rng rng = new Rng(1);
    int draws = 20_000;
    int[] kept = new int[EDGES];
    int both = 0;
    for (int i = 0; i < draws; i++) {
      factors.draw(p, rng, options);
      for (int edge = 0; edge < EDGES; edge++) {
        kept[edge] += options[edge] > 0 ? 1 : 0;
      }
      both += options[2] == 1 && options[4] == 2 ? 1 : 0;
    }
    assertEquals(draws, kept[0]);
    assertEquals(draws, kept[1]);
    assertEquals(5.0 / 11, (double) kept[2] / draws, 0.015);
    assertEquals(8.0 / 11, (double) kept[3] / draws, 0.015);
    assertEquals(9.0 / 11, (double) kept[4] / draws, 0.015);
    assertEquals(1.0 / 11, (double) both / draws, 0.01);

    double[][] gradient = new double[2 * EDGES][3];
    factors.addScore(p, new int[] {2, 1, 1, 0, 2, 1, 1, 1, 1, 0}, 1, gradient);
    // Both edges of node 2 are always kept: zero has no part in it.
    assertArrayEquals(new double[] {0, -0.5, 0.5}, gradient[0], 1e-12);
    assertArrayEquals(new double[] {-6.0 / 11, 17.0 / 22, -5.0 / 22}, gradient[2], 1e-12);
    assertArrayEquals(new double[] {8.0 / 11, -4.0 / 11, -4.0 / 11}, gradient[3], 1e-12);
    assertArrayEquals(new double[] {-2.0 / 11, -3.0 / 11, 5.0 / 11}, gradient[4], 1e-12);

    // Of the three pairs with their likelier ops: 2 x 1/2 x 1/2, 3 x 1/2 x 2/3, 6 x 1/2 x 2/3.
    double[][] preferences = factors.preferences(p);
    assertEquals(0.5, preferences[2][1] * preferences[3][1], 1e-12);
    assertEquals(1, preferences[2][1] * preferences[4][2], 1e-12);
    assertEquals(2, preferences[3][2] * preferences[4][2], 1e-12);
  }

  /** All ways to keep two of the edges into node 3 of the normal cell. */
  private static List<int[]> networks() {
    List<int[]> all = new ArrayList<>();
    for (int code = 0; code < 27; code++) {
      int[] network = {1, 2, code / 9, code / 3 % 3, code % 3, 1, 1, 2, 2, 0};
      if (Arrays.stream(network, 2, EDGES).filter(op -> op > 0).count() == 2) {
        all.add(network);
      }
    }
    return all;
  }

  /** Some reward of each. */
  private static double reward(int[] network) {
    return Math.sin(network[2] + 3 * network[3] + 7 * network[4]);
  }

  /** What each of those is drawn with, given the others: exp of its logits over the sum of all. */
  private static double[] drawnWith(CellParameters parameters) {
    double[] weights = new double[networks().size()];
    for (int i = 0; i < weights.length; i++) {
      double logit = 0;
      for (int edge = 2; edge < EDGES; edge++) {
        int op = networks().get(i)[edge];
        double[] betas = parameters.type(1).betas();
        logit +=
            parameters.type(1).alphas()[edge][op] + (op > 0 && betas != null ? betas[edge] : 0);
      }
      weights[i] = Math.exp(logit);
    }
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / sum).toArray();
  }

  private static double expectedReward(CellParameters parameters) {
    double[] p = drawnWith(parameters);
    double expected = 0;
    for (int i = 0; i < p.length; i++) {
      expected += p[i] * reward(networks().get(i));
    }
    return expected;
  }

  /** Eq. 8: the mean over all networks of R ∇ln P is the derivative of the mean of R. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void scoresMakeTheGradientOfTheExpectedReward(boolean edgeNormalized) {
    CellSpace space = space(edgeNormalized);
    CellParameters parameters = CellParameters.zeros(space);
    Rng rng = new Rng(2);
    double[] values = parameters.values();
    Arrays.setAll(values, _ -> rng.nextGaussian());
    parameters.set(values);
    CellFactors factors = new CellFactors(space);
    double[][] p = softmax(parameters.factors());
    double[][] gradient = CellParameters.zeros(space).factors();
    assertEquals(12, networks().size());
    double[] drawnWith = drawnWith(parameters);
    for (int i = 0; i < drawnWith.length; i++) {
      int[] network = networks().get(i);
      factors.addScore(p, network, drawnWith[i] * reward(network), gradient);
    }
    for (int edge = 2; edge < EDGES; edge++) {
      for (int op = 0; op < 3; op++) {
        double slope = slope(parameters, parameters.type(1).alphas()[edge], op);
        assertEquals(slope, gradient[edge][op], 1e-8, "edge %d op %d".formatted(edge, op));
      }
    }
    double[] betas = parameters.type(1).betas();
    for (int from = 0; betas != null && from < 3; from++) {
      assertEquals(slope(parameters, betas, 2 + from), gradient[2 * EDGES + 1][from], 1e-8);
    }
  }

  private static double slope(CellParameters parameters, double[] row, int at) {
    double value = row[at];
    row[at] = value + 1e-5;
    double up = expectedReward(parameters);
    row[at] = value - 1e-5;
    double down = expectedReward(parameters);
    row[at] = value;
    return (up - down) / 2e-5;
  }

  private static double[][] softmax(double[][] logits) {
    double[][] p = new double[logits.length][];
    for (int f = 0; f < p.length; f++) {
      double[] weights = Arrays.stream(logits[f]).map(Math::exp).toArray();
      double sum = Arrays.stream(weights).sum();
      p[f] = Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }
    return p;
  }
}
