package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The most probable networks in order, and a look at them. */
class FinalistsTest {
  @TempDir private Path folder;

  /** Against all networks of the tiny space, in windows of any width. */
  @Test
  void theMostProbableComeInOrder() {
    Space space = (Space) TinyRun.space(TinyRun.data(), PublishedMethod.PROXYLESS_G.recipe());
    ExpectedCost cost = Counts.MACS.costs(space);
    Pricing pricing = new Pricing.OfChain(space, Counts.MACS, cost);
    int[] options = space.options();
    long size = 1;
    for (int of : options) {
      size *= of;
    }
    Rng rng = new Rng(4);
    for (int trial = 0; trial < 20; trial++) {
      double[][] preferences = new double[options.length][];
      for (int d = 0; d < options.length; d++) {
        preferences[d] = new double[options[d]];
        for (int j = 0; j < options[d]; j++) {
          preferences[d][j] = rng.uniform(0.05, 1);
        }
      }
      double low = rng.uniform(0, cost.maximum());
      double high = rng.uniform(low, cost.maximum());
      List<int[]> all = new ArrayList<>();
      for (long i = 0; i < size; i++) {
        int[] decisions = Decisions.at(options, i);
        if (cost.of(decisions) >= low && cost.of(decisions) <= high) {
          all.add(decisions);
        }
      }
      all.sort(Comparator.comparingDouble(d -> -score(preferences, d)));
      List<int[]> found = Finalists.mostProbable(pricing, preferences, low, high, 10);
      assertEquals(Math.min(10, all.size()), found.size());
      for (int i = 0; i < found.size(); i++) {
        assertEquals(score(preferences, all.get(i)), score(preferences, found.get(i)), 1e-12);
      }
    }
  }

  private static double score(double[][] preferences, int[] decisions) {
    double score = 0;
    for (int d = 0; d < decisions.length; d++) {
      score += Math.log(preferences[d][decisions[d]]);
    }
    return score;
  }

  @Test
  void aSearchThatLooksMeetsItsBudgetAndRepeats() {
    SearchConfig config = TinyRun.config(1, PublishedMethod.TUNAS.recipe()).withRandomSamples(0);
    SearchConfig looking = config.withBudget(config.budget().withFinalists(5));
    int[] parameters = new int[2];
    for (int i = 0; i < 2; i++) {
      RunDirectory directory = new RunDirectory(folder.resolve("run" + i));
      try (SearchRun run = TinyRun.start(directory, looking, 1e9, Progress.NONE)) {
        var found = run.run().found();
        assertEquals(TinyRun.BUDGET, found.predictedCost(), 0.012);
        parameters[i] = (int) found.architecture().parameters();
      }
    }
    assertArrayEquals(new int[] {parameters[0], parameters[0]}, parameters);
    for (PublishedMethod other :
        List.of(PublishedMethod.FRONT, PublishedMethod.RANDOM, PublishedMethod.LA_DARTS)) {
      SearchConfig of = TinyRun.config(1, other.recipe());
      String message =
          assertThrows(SextantException.class, () -> of.withBudget(of.budget().withFinalists(5)))
              .getMessage();
      assertTrue(message.startsWith("finalists: 5"), message);
    }
  }
}
