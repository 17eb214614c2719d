package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import java.util.List;
import org.junit.jupiter.api.Test;

class NestedChoiceTest {
  private static Layer block(int kernel, int expand) {
    return block(kernel, expand, 0, true);
  }

  private static Layer block(int kernel, int expand, double squeeze, boolean residual) {
    return new MbConv(kernel, 1, expand, 8, Activation.RELU, squeeze, residual);
  }

  private static NestedChoice of(Layer... candidates) {
    return NestedChoice.of(
            new Space(
                "net",
                2,
                new Architecture.Input(4, 4, 8),
                1e-3,
                List.of(
                    new Position.Choice(List.of(candidates)),
                    new Position.Fixed(new GlobalAvgPool()),
                    new Position.Fixed(new Linear(2)))))
        .getFirst();
  }

  /**
   * In any order; 3x3-6 has the small kernel and all channels, which the published decoder lost.
   */
  @Test
  void gatesDecodeToCandidates() {
    NestedChoice choice = of(block(5, 3), block(3, 6), block(5, 6), block(3, 3), new Skip());
    assertEquals(3, choice.gates());
    assertEquals(block(5, 6), choice.largest());
    // Gates: 5x5 shell, layer, second half.
    assertEquals(3, choice.decode(new double[] {0, 1, 0}));
    assertEquals(1, choice.decode(new double[] {0, 1, 1}));
    assertEquals(0, choice.decode(new double[] {1, 1, 0}));
    assertEquals(2, choice.decode(new double[] {1, 1, 1}));
    assertEquals(4, choice.decode(new double[] {1, 0, 1}));
    Nesting nesting = choice.nesting(8);
    assertEquals("kernels [3, 5], channels [24, 48]", nesting.toString());
    assertEquals(choice.gates(), nesting.gates());
    assertEquals(choice.layerGate(), nesting.layerGate());
  }

  @Test
  void aLayerWithoutSkipIsAlwaysThere() {
    NestedChoice choice = of(block(3, 3), block(7, 3));
    assertFalse(choice.skips());
    assertFalse(choice.decides(choice.layerGate()));
    assertTrue(choice.decides(0));
    assertEquals(1, choice.decode(new double[] {1, 0}));
    assertEquals(0, choice.decode(new double[] {0, 0}));
  }

  /** 7x7 alone has the outer shell; 3x3 leaves it undecided, for its own shell is shut. */
  @Test
  void statesOfThreeKernels() {
    NestedChoice choice = of(block(3, 2), block(5, 2), block(7, 2), new Skip());
    int[][] expected = {{0, -1, 1}, {1, 0, 1}, {1, 1, 1}, {-1, -1, 0}};
    for (int j = 0; j < 4; j++) {
      for (int gate = 0; gate < 3; gate++) {
        assertEquals(expected[j][gate], choice.state(j, gate), j + " " + gate);
      }
    }
    // An outer shell alone is not used: no hollow kernels.
    assertEquals(0, choice.decode(new double[] {0, 1, 1}));
  }

  @Test
  void builtInSpacesOfFixedWidthsNest() {
    for (String name : Space.names()) {
      Space space = Space.named(name);
      // Edges of trees are poolings too, and other convolutions.
      if (space.widthChoices().isEmpty() && !name.contains("-tree")) {
        List<NestedChoice> choices = NestedChoice.of(space);
        assertEquals(space.choices().size(), choices.size(), name);
        for (int i = 0; i < choices.size(); i++) {
          assertEquals(space.choices().get(i).candidates().size(), choices.get(i).size());
        }
      }
    }
  }

  @Test
  void whatDoesNotNestIsNamed() {
    assertRefused("not all combinations", block(3, 3), block(5, 6));
    assertRefused("expansion 1", block(3, 1), block(3, 6));
    assertRefused("squeeze-and-excite", block(3, 3, 0.25, true), block(5, 3, 0.25, true));
    assertRefused("more than kernel and expansion", block(3, 3), block(3, 3, 0, false));
    assertRefused("shortcut", block(3, 3, 0, false), new Skip());
    assertRefused("other than blocks", block(3, 3), new Pool(true, 3, 1));
    assertRefused("other than blocks", new Pool(true, 3, 1), block(3, 3));
    assertRefused("max-pool 3x3 has no depthwise kernel", new Pool(true, 3, 1), new Skip());
    String message =
        assertThrows(
                SextantException.class,
                () -> NestedChoice.of(Space.named("tunas-proxyless-enlarged")))
            .getMessage();
    assertTrue(message.contains("searches widths"), message);
  }

  private static void assertRefused(String why, Layer... candidates) {
    String message = assertThrows(SextantException.class, () -> of(candidates)).getMessage();
    assertTrue(message.startsWith("superkernel: layers[0] of net: "), message);
    assertTrue(message.contains(why), message);
  }
}
