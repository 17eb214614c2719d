package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.space.Factoring.Factor;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class FactoringTest {
  private static Map<String, Long> counts(Factoring factoring) {
    return factoring.factors().stream()
        .collect(Collectors.groupingBy(Factor::name, Collectors.counting()));
  }

  /**
   * 73 choices in TuNAS's code for its first space: 22 kernels, 21 expansions, 15 skips and more
   * that have a single option.
   */
  @Test
  void tunasSpacesHaveThePublishedFactors() {
    Factoring proxyless = Factoring.grid(Space.named("tunas-proxyless"));
    assertEquals(Map.of("kernel", 22L, "expansion", 21L, "skip", 15L), counts(proxyless));
    Factoring enlarged = Factoring.grid(Space.named("tunas-proxyless-enlarged"));
    assertEquals(
        Map.of("kernel", 22L, "expansion", 21L, "skip", 15L, "width", 9L), counts(enlarged));
    Factoring v3 = Factoring.grid(Space.named("tunas-mobilenet-v3"));
    assertEquals(
        Map.of(
            "layer", 1L,
            "kernel", 21L,
            "expansion", 20L,
            "squeeze-excite", 20L,
            "skip", 16L,
            "width", 8L),
        counts(v3));
  }

  @Test
  void optionsAndDecisionsAgree() {
    for (String name : Space.names()) {
      Space space = Space.named(name);
      int[] options = space.options();
      Rng rng = new Rng(3);
      for (Factoring factoring : List.of(Factoring.flat(space), Factoring.grid(space))) {
        for (int trial = 0; trial < 50; trial++) {
          int[] decisions = new int[options.length];
          Arrays.setAll(decisions, d -> rng.nextInt(options[d]));
          assertArrayEquals(decisions, factoring.decisions(factoring.options(decisions)), name);
        }
      }
    }
  }

  /**
   * Kernels 1/4, 3/4, skip 2/5: blocks have 0.6 x 1/4 and 0.6 x 3/4, skip 0.4. The most probable is
   * the second block by any measure; with kernels 1/2, 1/2 it is skip by probability (0.4 against
   * 0.3), but a block by the likeliest option of each factor.
   */
  @Test
  void probabilitiesAreProductsAndPreferencesThoseOfTheLikeliestOptions() {
    Layer small = new MbConv(3, 1, 2, 4, Activation.RELU, 0, true);
    Layer large = new MbConv(5, 1, 2, 4, Activation.RELU, 0, true);
    Factoring factoring = Factoring.grid(space(small, large, new Skip()));
    double[][] uneven = {{0.25, 0.75}, {0.6, 0.4}};
    assertArrayEquals(new double[] {0.15, 0.45, 0.4}, factoring.probabilities(uneven)[0], 1e-12);
    assertArrayEquals(new double[] {0.15, 0.45, 0.3}, factoring.preferences(uneven)[0], 1e-12);
    double[][] even = {{0.5, 0.5}, {0.6, 0.4}};
    assertArrayEquals(new double[] {0.3, 0.3, 0.4}, factoring.probabilities(even)[0], 1e-12);
    assertArrayEquals(new double[] {0.3, 0.3, 0.2}, factoring.preferences(even)[0], 1e-12);
  }

  @Test
  void aChoiceThatIsNoGridIsRefused() {
    Layer a = new MbConv(3, 1, 2, 4, Activation.RELU, 0, true);
    Layer b = new MbConv(5, 1, 4, 4, Activation.RELU, 0, true);
    String message =
        assertThrows(SextantException.class, () -> Factoring.grid(space(a, b))).getMessage();
    assertTrue(message.contains("choice 0"), message);
    assertEquals(1, Factoring.flat(space(a, b)).factors().size());
  }

  private static Space space(Layer... candidates) {
    return new Space(
        "grid",
        2,
        new Architecture.Input(4, 4, 4),
        1e-3,
        List.of(
            new Position.Choice(List.of(candidates)),
            new Position.Fixed(new GlobalAvgPool()),
            new Position.Fixed(new Linear(2))));
  }
}
