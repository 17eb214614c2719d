package dev.sextant.nas.prior;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.score.PriorScores;
import dev.sextant.nas.space.SearchSpace;
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
        PriorScores scores = new PriorScores(prior, space, backend, data, images, 32);
        double more = scores.of(deep, 3, new Rng(1));
        double less = scores.of(shallow, 3, new Rng(1));
        assertEquals(more, scores.of(deep, 3, new Rng(1)), prior.id());
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
          new PriorScores(
                  Priors.JACOBIAN, space, backend, data, IntStream.range(0, 16).toArray(), 16)
              .of(network, 3, new Rng(1));
      double alike =
          new PriorScores(Priors.JACOBIAN, space, backend, data, new int[16], 16)
              .of(network, 3, new Rng(1));
      // Of 16 images without any correlation it would be about -16; of equal ones 15 eigenvalues
      // are 0, each of which counts for 1e5.
      assertTrue(different < -15 && different > -100, "different " + different);
      assertEquals(-15e5, alike, 1e4);
    }
  }

  /**
   * Where no activation follows the last batch norm, its outputs add up to the same whatever the
   * images: the gradient of their sum over the batch says nothing.
   */
  @Test
  void theJacobianIsOfImagesOneByOne() {
    ImageDataset data = Datasets.open("builtin:200", DataOptions.DEFAULT);
    String layers =
        """
        {"format": "sextant-space/1", "name": "linear-end", "classes": 10,
         "input": {"height": 28, "width": 28, "channels": 1},
         "layers": [
          {"choice": [{"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6"},
                      {"op": "conv", "kernel": 1, "norm": "batch"}], "out": 8, "stride": 2},
          {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
        """;
    Space space =
        ((Space) SearchSpace.parse(layers, "test"))
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    int[] images = IntStream.range(0, 64).toArray();
    try (Backend backend = Backend.cpu(1)) {
      PriorScores scores = new PriorScores(Priors.JACOBIAN, space, backend, data, images, 32);
      double linear = scores.of(new int[] {1}, 3, new Rng(1));
      double curved = scores.of(new int[] {0}, 3, new Rng(1));
      // Gradients of a linear network are all the same.
      assertTrue(linear < 10 * curved, "linear " + linear + ", not linear " + curved);
    }
  }
}
