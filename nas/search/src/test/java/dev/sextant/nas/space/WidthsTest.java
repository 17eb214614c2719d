package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Spaces whose widths are searched, TuNAS's among them. */
class WidthsTest {
  private static final String SMALL =
      """
      {"format": "sextant-space/1", "name": "widths", "classes": 4,
       "input": {"height": 8, "width": 8, "channels": 3},
       "layers": [
         {"op": "conv", "kernel": 3, "out": [8, 16], "stride": 2},
         {"choice": [{"op": "mbconv", "kernel": 3, "expand": 1}, {"op": "skip"}]},
         {"choice": [{"op": "mbconv", "kernel": 3, "expand": 2},
                     {"op": "mbconv", "kernel": 3, "expand": 3}], "out": [8, 12, 16]},
         {"op": "conv", "kernel": 1, "out": 24},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
      """;

  private static int[] random(Space space, Rng rng) {
    int[] options = space.options();
    int[] decisions = new int[options.length];
    Arrays.setAll(decisions, d -> rng.nextInt(options[d]));
    return decisions;
  }

  /** Distinct networks of the three spaces, as computed from TuNAS's code. */
  @Test
  void tunasSpacesHaveThePublishedSizes() {
    MathContext two = new MathContext(2);
    assertEquals(
        new BigDecimal("6.6E+17"),
        new BigDecimal(Space.named("tunas-proxyless").size()).round(two));
    assertEquals(
        new BigDecimal("4.3E+24"),
        new BigDecimal(Space.named("tunas-proxyless-enlarged").size()).round(two));
    assertEquals(
        new BigDecimal("2.6E+38"),
        new BigDecimal(Space.named("tunas-mobilenet-v3").size()).round(two));
  }

  @Test
  void widthsGoThroughJson() {
    for (Space space :
        new Space[] {
          Space.parse(SMALL, "small"),
          Space.named("tunas-proxyless-enlarged"),
          Space.named("tunas-mobilenet-v3")
        }) {
      assertEquals(space, Space.parse(space.toJson(), "again"));
    }
  }

  /** The identity around a layer is decided by who decides its widths, not by what they come to. */
  @Test
  void residualsStandBetweenEqualWidthsAlone() {
    Space space = Space.parse(SMALL, "small");
    assertEquals(2, space.widthChoices().size());
    assertEquals(new WidthChoice(0, 1, java.util.List.of(8, 16)), space.widthChoices().getFirst());
    Architecture network = space.derive(new int[] {0, 1, 0, 0});
    assertTrue(((MbConv) network.layers().get(1)).residual());
    MbConv apart = (MbConv) network.layers().get(2);
    assertEquals(8, apart.out());
    assertEquals(false, apart.residual());
    assertThrows(
        SextantException.class,
        () ->
            Space.parse(
                SMALL.replace("\"expand\": 3}]", "\"expand\": 3}, {\"op\": \"skip\"}]"), "s"));
    for (String wrong : new String[] {"[8]", "[16, 8]", "[8, 8]", "[0, 8]", "[8, 9.5]", "[]"}) {
      String message =
          assertThrows(
                  SextantException.class, () -> Space.parse(SMALL.replace("[8, 16]", wrong), "s"))
              .getMessage();
      assertTrue(message.contains("layers[0]"), message);
    }
  }

  /** Sums along the chain are the counts of the derived networks. */
  @Test
  void countsAreThoseOfTheNetworks() {
    Rng rng = new Rng(4);
    for (String name : new String[] {"tunas-proxyless-enlarged", "tunas-mobilenet-v3"}) {
      Space space = Space.named(name);
      ExpectedCost macs = Counts.MACS.costs(space);
      ExpectedCost parameters = Counts.PARAMETERS.costs(space);
      for (int trial = 0; trial < 20; trial++) {
        int[] decisions = random(space, rng);
        Architecture network = space.derive(decisions);
        assertEquals(network.macs(), macs.of(decisions), 0.5);
        assertEquals(network.parameters(), parameters.of(decisions), 0.5);
        assertTrue(macs.minimum() <= network.macs() && network.macs() <= macs.maximum());
      }
    }
  }

  /** All networks of a small space: the ends of its range, its mean and what is most probable. */
  @Test
  void sumsAndDerivationEqualBruteForce() {
    Space space = Space.parse(SMALL, "small");
    ExpectedCost cost = Counts.MACS.costs(space);
    Rng rng = new Rng(5);
    double[][] p = new double[space.options().length][];
    for (int d = 0; d < p.length; d++) {
      p[d] = new double[space.options()[d]];
      for (int j = 0; j < p[d].length; j++) {
        p[d][j] = rng.uniform(0.2, 1);
      }
      double sum = Arrays.stream(p[d]).sum();
      p[d] = Arrays.stream(p[d]).map(x -> x / sum).toArray();
    }
    double low = 1.1 * cost.minimum();
    double high = 1.4 * cost.minimum();
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    double mean = 0;
    double best = 0;
    int[] options = space.options();
    int networks = Arrays.stream(options).reduce(1, (a, b) -> a * b);
    for (int n = 0; n < networks; n++) {
      int[] decisions = new int[options.length];
      double probability = 1;
      for (int d = 0, rest = n; d < options.length; rest /= options[d++]) {
        decisions[d] = rest % options[d];
        probability *= p[d][decisions[d]];
      }
      double macs = space.derive(decisions).macs();
      least = Math.min(least, macs);
      most = Math.max(most, macs);
      mean += probability * macs;
      if (macs >= low && macs <= high) {
        best = Math.max(best, probability);
      }
    }
    assertEquals(least, cost.minimum());
    assertEquals(most, cost.maximum());
    assertEquals(mean, cost.expected(p), 1e-6 * mean);
    int[] found = Derivation.mostProbable(p, cost, low, high);
    double probability = 1;
    for (int d = 0; d < options.length; d++) {
      probability *= p[d][found[d]];
    }
    assertEquals(best, probability, 1e-12);
    assertTrue(cost.of(found) >= low && cost.of(found) <= high);
    checkGradient(cost, p);
  }

  /** E is linear in each probability alone. */
  private static void checkGradient(ExpectedCost cost, double[][] p) {
    double[][] gradient = Arrays.stream(p).map(double[]::clone).toArray(double[][]::new);
    cost.gradient(p, gradient);
    for (int d = 0; d < p.length; d++) {
      for (int j = 0; j < p[d].length; j++) {
        double kept = p[d][j];
        double before = cost.expected(p);
        p[d][j] = kept + 1;
        assertEquals(cost.expected(p) - before, gradient[d][j], 1e-6 * before);
        p[d][j] = kept;
      }
    }
  }
}
