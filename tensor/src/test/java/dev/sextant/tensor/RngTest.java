package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RngTest {
  /** Runs are repeated from their seed, so these may never change. */
  @Test
  void streamsAreStable() {
    Rng rng = new Rng(42);
    long[] first = {rng.nextLong(), rng.nextLong(), rng.nextLong()};
    assertArrayEquals(
        new long[] {6332618229526065668L, -816328817471504299L, 8971565426155258802L}, first);
    assertEquals(5762146265542448816L, Rng.of(42, 1, 2).nextLong());
    assertEquals(0.6524484863740322, new Rng(0).nextDouble());
    assertEquals(-0.9422576653840772, new Rng(7).nextGaussian(), 1e-15);
  }

  @Test
  void continuesFromASavedState() {
    Rng rng = new Rng(5);
    rng.nextLong();
    long state = rng.state();
    long next = rng.nextLong();
    Rng other = new Rng(99);
    other.restore(state);
    assertEquals(next, other.nextLong());
  }

  @Test
  void keysMakeDifferentStreams() {
    assertEquals(Rng.of(1, 2, 3).nextLong(), Rng.of(1, 2, 3).nextLong());
    assertNotEquals(Rng.of(1, 2, 3).nextLong(), Rng.of(1, 3, 2).nextLong());
    assertNotEquals(Rng.of(1, 2, 3).nextLong(), Rng.of(2, 2, 3).nextLong());
    assertNotEquals(Rng.of(1, 2).nextLong(), Rng.of(1, 2, 0).nextLong());
  }

  /** Chi-squared with 15 degrees of freedom passes 37.7 once in a thousand times. */
  @Test
  void integersAreUniform() {
    Rng rng = new Rng(1);
    int draws = 160_000;
    int[] counts = new int[16];
    for (int i = 0; i < draws; i++) {
      counts[rng.nextInt(16)]++;
    }
    double expected = draws / 16.0;
    double chiSquared = 0;
    for (int count : counts) {
      chiSquared += (count - expected) * (count - expected) / expected;
    }
    assertTrue(chiSquared < 37.7, "chi-squared " + chiSquared);
    assertEquals(0, rng.nextInt(1));
    assertThrows(IllegalArgumentException.class, () -> rng.nextInt(0));
  }

  /** Five standard errors: 5 / sqrt(12 n) for the uniform, 5 / sqrt(n) for the normal. */
  @Test
  void realsHaveTheirMoments() {
    Rng rng = new Rng(2);
    int draws = 100_000;
    double uniform = 0;
    double normal = 0;
    double square = 0;
    for (int i = 0; i < draws; i++) {
      double u = rng.uniform(-1, 3);
      assertTrue(u >= -1 && u < 3);
      uniform += u / draws;
      double g = rng.nextGaussian();
      normal += g / draws;
      square += g * g / draws;
    }
    assertEquals(1, uniform, 4 * 5 / Math.sqrt(12.0 * draws));
    assertEquals(0, normal, 5 / Math.sqrt(draws));
    assertEquals(1, square, 5 * Math.sqrt(2.0 / draws));
  }

  @Test
  void categoricalFollowsItsProbabilities() {
    Rng rng = new Rng(3);
    double[] probabilities = {0.5, 0, 0.2, 0.3, 0};
    int draws = 100_000;
    int[] counts = new int[5];
    for (int i = 0; i < draws; i++) {
      counts[rng.categorical(probabilities)]++;
    }
    for (int i = 0; i < 5; i++) {
      double p = probabilities[i];
      assertEquals(p, counts[i] / (double) draws, 5 * Math.sqrt(p * (1 - p) / draws));
    }
    // A sum below 1 by rounding still draws an index with a chance.
    for (int i = 0; i < 100; i++) {
      assertEquals(1, rng.categorical(new double[] {0, 1e-9, 0}));
    }
  }

  @Test
  void shuffleKeepsEveryValueAndReachesEveryOrder() {
    Rng rng = new Rng(4);
    Map<String, Integer> orders = new HashMap<>();
    for (int i = 0; i < 6_000; i++) {
      int[] values = {1, 2, 3};
      rng.shuffle(values);
      orders.merge(Arrays.toString(values), 1, Integer::sum);
    }
    assertEquals(6, orders.size());
    for (int count : orders.values()) {
      assertEquals(1000, count, 150);
    }
  }
}
