package dev.sextant.nas.score;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.space.Decisions;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Fits to scores that a formula gives, and the best of them. */
class ScoreFitTest {
  private static final int[] OPTIONS = {3, 3, 3, 3, 3, 3};
  private static final int ALL = 729;

  private static int[][] drawn(int count) {
    return EqualPaths.drawn(OPTIONS, count, new Rng(1));
  }

  private static double additive(int[] network) {
    double sum = 5;
    for (int d = 0; d < network.length; d++) {
      sum += Math.sin(7 * d + 3 * network[d]);
    }
    return sum;
  }

  /** With an interaction of the first two decisions, which no sum of options has. */
  private static double paired(int[] network) {
    return additive(network) + (network[0] == 2 && network[1] == 2 ? -4 : 0);
  }

  @Test
  void everyOptionComesUpEquallyOften() {
    TreeMap<Integer, Integer> counts = new TreeMap<>();
    for (int[] network : drawn(120)) {
      counts.merge(network[4], 1, Integer::sum);
    }
    assertEquals(List.of(40, 40, 40), List.copyOf(counts.values()));
  }

  @Test
  void pathsGoOnFromTheirState() {
    Rng rng = new Rng(2);
    EqualPaths paths = new EqualPaths(OPTIONS, rng);
    int[] path = new int[OPTIONS.length];
    for (int i = 0; i < 4; i++) {
      paths.next(path);
    }
    Rng otherRng = new Rng(0);
    otherRng.restore(rng.state());
    EqualPaths continued = new EqualPaths(OPTIONS, otherRng);
    continued.restore(paths.state());
    int[] expected = new int[OPTIONS.length];
    paths.next(expected);
    continued.next(path);
    assertArrayEquals(expected, path);
  }

  @Test
  void aSumIsPredictedEverywhere() {
    int[][] networks = drawn(60);
    double[] scores = Arrays.stream(networks).mapToDouble(ScoreFitTest::additive).toArray();
    ScoreFit fit = ScoreFit.of(networks, scores);
    for (int number = 0; number < ALL; number++) {
      int[] network = Decisions.at(OPTIONS, number);
      assertEquals(additive(network), fit.of(network), 0.1);
    }
    assertTrue(fit.error() < 0.05 * fit.deviation(), "error " + fit.error());
  }

  private static double cost(int[] network) {
    return Arrays.stream(network).sum();
  }

  /** By looking at all 729, and by walking from the cheapest. */
  @Test
  void theBestWithinACostAreFoundBothWays() {
    List<int[]> all =
        new BestNetworks(OPTIONS, ScoreFitTest::paired, network -> cost(network) <= 6)
            .find(10, List.of());
    double least = Double.POSITIVE_INFINITY;
    for (int[] network : all) {
      assertTrue(cost(network) <= 6);
      assertTrue(paired(network) <= least);
      least = paired(network);
    }
    double tenth = least;
    long better =
        IntStream.range(0, ALL)
            .mapToObj(number -> Decisions.at(OPTIONS, number))
            .filter(network -> cost(network) <= 6 && paired(network) > tenth)
            .count();
    assertEquals(9, better);
    int[] many = new int[18];
    Arrays.fill(many, 3);
    int[] cheapest = new int[18];
    List<int[]> walked =
        new BestNetworks(many, ScoreFitTest::additive, network -> cost(network) <= 18)
            .find(3, List.of(cheapest));
    assertEquals(3, walked.size());
    assertEquals(dearest(many, 18), additive(walked.getFirst()), 1e-9);
  }

  /** The best of a sum within a whole cost, by dynamic programming. */
  private static double dearest(int[] options, int most) {
    double[] best = new double[most + 1];
    Arrays.fill(best, Double.NEGATIVE_INFINITY);
    best[0] = 5;
    for (int d = 0; d < options.length; d++) {
      double[] next = new double[most + 1];
      Arrays.fill(next, Double.NEGATIVE_INFINITY);
      for (int cost = 0; cost <= most; cost++) {
        for (int j = 0; j < options[d] && cost + j <= most; j++) {
          next[cost + j] = Math.max(next[cost + j], best[cost] + Math.sin(7 * d + 3 * j));
        }
      }
      best = next;
    }
    return Arrays.stream(best).max().orElseThrow();
  }

  /** A longer look moves a network half the way; parts have means of their own. */
  @Test
  void aRankingAddsScoresUpInDeviations() {
    int[][] networks = drawn(90);
    double[] losses = new double[90];
    double[] priors = new double[90];
    for (int i = 0; i < 90; i++) {
      // The second part's images are harder.
      losses[i] = -0.1 * additive(networks[i]) + (i % 2 == 0 ? 0 : 3);
      priors[i] = 10 * additive(networks[i]);
    }
    Ranking ranking = Ranking.of(networks, losses, 2, priors);
    int best = 0;
    for (int i = 1; i < 90; i++) {
      best = additive(networks[i]) > additive(networks[best]) ? i : best;
    }
    int[] network = networks[best];
    double fitted = ranking.of(network);
    double loss = -0.1 * additive(network);
    double[] look = {loss, loss + 3};
    assertEquals(fitted, ranking.looked(network, look, priors[best]), 0.3);
    double[] worse = {loss + 0.3, loss + 3.3};
    assertTrue(ranking.looked(network, worse, priors[best]) < fitted - 0.4);
    assertEquals(1, ranking.lossFit().deviation(), 0.25);
    Ranking informed = ranking.with(List.of(network, network), List.of(worse, worse));
    assertTrue(informed.of(network) < fitted - 0.2, "a network's own loss counts");
  }

  /** The pairs are taken up where the scores have some, and predict better than a sum. */
  @Test
  void aPairThatGoesIllTogetherIsPredicted() {
    int[][] networks = drawn(250);
    double[] scores = Arrays.stream(networks).mapToDouble(ScoreFitTest::paired).toArray();
    ScoreFit fit = ScoreFit.of(networks, scores);
    double squares = 0;
    for (int number = 0; number < ALL; number++) {
      int[] network = Decisions.at(OPTIONS, number);
      double off = fit.of(network) - paired(network);
      squares += off * off / ALL;
    }
    // By a sum of options alone it is 0.84: two thirds of -4 by the deviation of one in nine.
    assertTrue(Math.sqrt(squares) < 0.4, "root mean square error " + Math.sqrt(squares));
    double[][] effects = fit.effects(OPTIONS);
    assertEquals(Math.sin(7 * 3 + 3) - Math.sin(7 * 3 + 6), effects[3][1] - effects[3][2], 0.2);
  }
}
