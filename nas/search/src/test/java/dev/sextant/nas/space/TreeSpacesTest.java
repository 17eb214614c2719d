package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Layer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The tree spaces: as many decisions and weights as published. */
class TreeSpacesTest {
  /** "648 edges" (Cai et al., 2019, section 4.1); 7 operations on each. */
  @Test
  void thePublishedSpaceHas648ChoicesOfSeven() {
    Space space = Space.named("proxyless-cifar-tree");
    assertEquals(648, space.choices().size());
    for (Position.Choice choice : space.choices()) {
      assertEquals(7, choice.candidates().size());
    }
    // Bottlenecks and roots alone: in, 3x3, out, with their norms; then the classifier.
    long backbone = 3 * 9 * 16 + 2 * 16;
    int[] skips = new int[648];
    Arrays.fill(skips, 6);
    Architecture bare = space.derive(skips);
    int from = 16;
    int blocks = 0;
    for (Layer layer : bare.layers()) {
      if (layer instanceof Conv conv && conv.kernel() == 3 && conv.out() != 16) {
        long c = conv.out();
        backbone += from * c + 2 * c + 9 * c * c + 2 * c + 4 * c * c + 8 * c;
        from = (int) (4 * c);
        blocks++;
      }
    }
    assertEquals(54, blocks);
    assertEquals(400, from);
    assertEquals(backbone + 400 * 10 + 10, bare.parameters());
    assertEquals(bare.parameters(), space.parameters().minimum());
    // The published network has 5.7 million, between the barest and the largest.
    assertTrue(
        space.parameters().minimum() < 5_700_000 && space.parameters().maximum() > 5_700_000);
    assertTrue(Describe.text(space).contains("from 648 choices"));
  }

  @Test
  void theSmallOneHasThreeBlocks() {
    Space space = Space.named("proxyless-tree-small");
    assertEquals(36, space.choices().size());
    // Where branches meet, the width of the widest: four times the last block's 16.
    assertTrue(
        Describe.text(space).lines().anyMatch(line -> line.matches(".* sum +4x4x64 .*")),
        () -> Describe.text(space));
  }
}
