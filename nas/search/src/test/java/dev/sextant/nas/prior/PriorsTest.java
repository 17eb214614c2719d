package dev.sextant.nas.prior;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.score.PriorScores;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Scores of the deepest network and of the one that skips all it can. */
class PriorsTest {
  @Test
  void deepNetworksAreThoughtBetterThanShallowOnes() {
    ImageDataset data = Datasets.open("builtin:200", DataOptions.DEFAULT);
    Space space =
        Space.named("proxyless-small")
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    int[] deep = new int[space.options().length];
    int[] shallow = new int[deep.length];
    for (int d = 0; d < deep.length; d++) {
      shallow[d] = space.options()[d] == 7 ? 6 : 0;
    }
    int[] images = IntStream.range(0, 64).toArray();
    try (Backend backend = Backend.cpu(1)) {
      for (PriorProvider prior : Priors.ALL.all()) {
        PriorScores scores = new PriorScores(prior, space, backend, data, images);
        double more = scores.ofFresh(deep, new Rng(1));
        double less = scores.ofFresh(shallow, new Rng(1));
        assertEquals(more, scores.ofFresh(deep, new Rng(1)), prior.id());
        if (prior == Priors.NONE) {
          assertEquals(less, more);
        } else if (prior != Priors.JACOBIAN) {
          assertTrue(more > less, prior.id() + ": " + more + " against " + less);
        }
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
    assertTrue(Arrays.stream(shallow).anyMatch(option -> option == 6));
  }

  /** Gradients of one image many times are all the same: their correlations have one eigenvalue. */
  @Test
  void theJacobianTellsWhetherImagesAreToldApart() {
    ImageDataset data = Datasets.open("builtin:200", DataOptions.DEFAULT);
    Space space =
        Space.named("proxyless-small")
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    int[] network = new int[space.options().length];
    try (Backend backend = Backend.cpu(1)) {
      double different =
          new PriorScores(Priors.JACOBIAN, space, backend, data, IntStream.range(0, 16).toArray())
              .ofFresh(network, new Rng(1));
      double alike =
          new PriorScores(Priors.JACOBIAN, space, backend, data, new int[16])
              .ofFresh(network, new Rng(1));
      // Of 16 images without any correlation it would be about -16; of equal ones 15 eigenvalues
      // are 0, each of which counts for 1e5.
      assertTrue(different < -15 && different > -100, "different " + different);
      assertEquals(-15e5, alike, 1e4);
    }
  }
}
