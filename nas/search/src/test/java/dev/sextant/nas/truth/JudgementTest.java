package dev.sextant.nas.truth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.space.Space;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A table whose numbers are worked out by hand. */
class JudgementTest {
  @TempDir private Path folder;

  private static final String BLOCK = "{\"op\": \"mbconv\", \"kernel\": 3, \"expand\": %d}";

  private static Space space() {
    return Space.parse(
        """
        {"format": "sextant-space/1", "name": "pair", "classes": 10,
         "input": {"height": 8, "width": 8, "channels": 1},
         "layers": [
           {"op": "conv", "kernel": 3, "stride": 2, "out": 4, "norm": "batch"},
           {"choice": [%s, %s, {"op": "skip"}], "out": 4, "stride": 1, "repeat": 2},
           {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
        """
            .formatted(BLOCK.formatted(1), BLOCK.formatted(2)),
        "pair");
  }

  /** The cost is 10 + the sum of the decisions. */
  @Test
  void gapRankAndBaselinesAreThoseOfTheNetworksWithinTheBudget() throws IOException {
    StringBuilder text = new StringBuilder("network,accuracy\n");
    for (int a = 0; a < 3; a++) {
      for (int b = 0; b < 3; b++) {
        text.append(a).append('-').append(b).append(',').append(50 + 10 * a + b).append('\n');
      }
    }
    TruthTable table = TruthTable.read(Files.writeString(folder.resolve("t.csv"), text), space());
    // Within 12: 0-0, 0-1, 0-2, 1-0, 1-1, 2-0.
    Judgement judgement =
        Judgement.of(
            table,
            space(),
            decisions -> 10 + decisions[0] + decisions[1],
            12,
            new int[] {1, 1},
            decisions -> decisions[0]);
    assertEquals(0.61, judgement.accuracy(), 1e-12);
    assertEquals(0.70, judgement.best(), 1e-12);
    assertEquals(0.09, judgement.gap(), 1e-12);
    assertEquals(2, judgement.rank());
    assertEquals(6, judgement.within());
    assertEquals(0.70, judgement.byScore(), 1e-12, "2-0 has the highest score within the budget");
    assertTrue(Double.isNaN(judgement.median()), "three are near");
    assertEquals(
        (0.50 + 0.51 + 0.52 + 0.60 + 0.61 + 0.70) / 6,
        judgement.baselines().get("best of 1 drawn"),
        1e-12);
    // 2 is skip; of those without one, both options 1 have the most multiply-adds.
    assertEquals(0.61, judgement.baselines().get("most multiply-adds"), 1e-12);
    assertEquals(
        List.of(
            "best of 1 drawn",
            "best of 5 drawn",
            "best of 20 drawn",
            "most layers",
            "most multiply-adds",
            "most parameters"),
        List.copyOf(judgement.baselines().keySet()));
  }

  @Test
  void spearmanSharesRanksOfEquals() {
    assertEquals(1, Judgement.spearman(new double[] {1, 5, 9}, new double[] {2, 3, 70}), 1e-12);
    assertEquals(-1, Judgement.spearman(new double[] {1, 5, 9}, new double[] {3, 2, 1}), 1e-12);
    // Ranks 0.5, 0.5, 2 against 0, 1, 2: 1.5 / sqrt(1.5 * 2).
    assertEquals(
        1.5 / Math.sqrt(3),
        Judgement.spearman(new double[] {4, 4, 9}, new double[] {1, 2, 3}),
        1e-12);
  }
}
