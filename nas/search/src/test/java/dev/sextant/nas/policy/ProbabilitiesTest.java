package dev.sextant.nas.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.cost.ExpectedCost;
import org.junit.jupiter.api.Test;

/** ProxylessNAS's equations with numbers worked by hand. */
class ProbabilitiesTest {
  private static float[] logs(double... p) {
    float[] alphas = new float[p.length];
    for (int i = 0; i < p.length; i++) {
      alphas[i] = (float) Math.log(p[i]);
    }
    return alphas;
  }

  /** exp(ln 5) : exp(ln 3) : exp(ln 2) = 5 : 3 : 2. */
  @Test
  void softmax() {
    assertArrayEquals(new double[] {0.5, 0.3, 0.2}, Probabilities.softmax(logs(5, 3, 2)), 1e-7);
    // Large values do not overflow: the difference of 1000 and 1001 is that of 0 and 1.
    assertArrayEquals(
        new double[] {1 / (1 + Math.E), Math.E / (1 + Math.E)},
        Probabilities.softmax(new float[] {1000, 1001}),
        1e-7);
  }

  /**
   * Eq. 4 with p = (0.5, 0.3, 0.2) and gates' gradients (1, 2, 4). The sum of them weighted by p is
   * 0.5 + 0.6 + 0.8 = 1.9, so p_i (g_i - 1.9) = 0.5 x -0.9, 0.3 x 0.1, 0.2 x 2.1.
   */
  @Test
  void gatesGradientsGoThroughSoftmax() {
    double[] p = {0.5, 0.3, 0.2};
    double[] gradient = Probabilities.throughSoftmax(new double[] {1, 2, 4}, p);
    assertArrayEquals(new double[] {-0.45, 0.03, 0.42}, gradient, 1e-12);
    // A constant common to all gates cancels.
    assertArrayEquals(gradient, Probabilities.throughSoftmax(new double[] {11, 12, 14}, p), 1e-12);
  }

  /**
   * Eq. 5-6: 10 + (0.5 x 1 + 0.3 x 2 + 0.2 x 4) + (0.25 x 8 + 0.75 x 0) = 13.9; its gradient by the
   * first alphas is that of eq. 4 with latencies for gates' gradients.
   */
  @Test
  void expectedLatency() {
    ExpectedCost cost = new ExpectedCost(10, new double[][] {{1, 2, 4}, {8, 0}});
    float[][] alphas = {logs(5, 3, 2), logs(1, 3)};
    assertEquals(13.9, cost.expected(softmax(alphas)), 1e-6);
    assertEquals(10 + 4 + 0, cost.of(new int[] {2, 1}));
    assertEquals(11, cost.minimum());
    assertEquals(22, cost.maximum());
    double[][] slopes = softmax(alphas);
    cost.gradient(softmax(alphas), slopes);
    assertArrayEquals(new double[] {1, 2, 4}, slopes[0]);
    double[] gradient = Probabilities.throughSoftmax(slopes[0], softmax(alphas)[0]);
    assertArrayEquals(new double[] {-0.45, 0.03, 0.42}, gradient, 1e-6);
    for (int i = 0; i < 3; i++) {
      float middle = alphas[0][i];
      float above = middle + 0.01f;
      float below = middle - 0.01f;
      alphas[0][i] = above;
      double high = cost.expected(softmax(alphas));
      alphas[0][i] = below;
      double low = cost.expected(softmax(alphas));
      alphas[0][i] = middle;
      assertEquals((high - low) / (above - below), gradient[i], 1e-4);
    }
  }

  private static double[][] softmax(float[][] alphas) {
    double[][] p = new double[alphas.length][];
    for (int i = 0; i < p.length; i++) {
      p[i] = Probabilities.softmax(alphas[i]);
    }
    return p;
  }

  /** exp sums 1 + 1 = 2 before and 2 + 3 = 5 after: ln(5 / 2). */
  @Test
  void twoPathOffset() {
    assertEquals(
        Math.log(2.5),
        Probabilities.twoPathOffset(0, 0, (float) Math.log(2), (float) Math.log(3)),
        1e-7);
  }

  /** -(0.5 ln 0.5 + 2 x 0.25 ln 0.25) = 1.5 ln 2; an impossible candidate adds nothing. */
  @Test
  void entropy() {
    assertEquals(
        1.5 * Math.log(2), Probabilities.entropy(new double[] {0.5, 0, 0.25, 0.25}), 1e-12);
  }

  @Test
  void argmaxTakesTheFirstOfEquals() {
    assertEquals(1, Probabilities.argmax(new double[] {0.1, 0.4, 0.4, 0.1}));
  }
}
