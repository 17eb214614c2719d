package dev.sextant.nas.score;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.prior.PriorProvider;
import dev.sextant.nas.prior.PriorRequest;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;

/**
 * Training-free scores of a space's networks on the same few images. Confined to the thread of the
 * backend.
 */
public final class PriorScores {
  /** Images that a score looks at, at most. */
  private static final int IMAGES = 64;

  /** New weights that a score of a network alone is averaged over. */
  private static final int FRESH = 3;

  private final PriorProvider prior;
  private final SearchSpace space;
  private final Backend backend;
  private final SequentialBatches images;
  private final int count;

  /**
   * Scores by some images.
   *
   * @param prior that scores
   * @param space of networks for the images of {@code data}
   * @param backend where networks run
   * @param data where the images are from
   * @param images indices of training images, of which the first {@value #IMAGES} are looked at
   */
  public PriorScores(
      PriorProvider prior, SearchSpace space, Backend backend, ImageDataset data, int[] images) {
    this.prior = prior;
    this.space = space;
    this.backend = backend;
    int[] seen = Arrays.copyOf(images, Math.min(IMAGES, images.length));
    count = seen.length;
    this.images = new SequentialBatches(data.train(), seen, count, data.normalization());
  }

  /**
   * {@return the score of a network in a supernet that nothing has trained yet}
   *
   * @param supernet set to the network; its weights are thawed after this
   * @param decisions of the network
   */
  public double of(Supernet supernet, int[] decisions) {
    supernet.freezeWeights(true);
    double score = score(space.derive(decisions), supernet);
    supernet.freezeWeights(false);
    return score;
  }

  /**
   * {@return the score of a network alone, the mean over several sets of new weights}
   *
   * @param decisions of the network
   * @param rng that weights are drawn from
   */
  public double ofFresh(int[] decisions, Rng rng) {
    Architecture architecture = space.derive(decisions);
    double sum = 0;
    for (int i = 0; i < FRESH; i++) {
      try (Network network = new Network(architecture, new Initializer(backend, rng), 0, rng)) {
        network.startUnscaled(backend);
        network.parameters().values().forEach(parameter -> parameter.setFrozen(true));
        sum += score(architecture, network);
      }
    }
    return sum / FRESH;
  }

  private double score(Architecture architecture, Module network) {
    Batch batch = images.iterator().next();
    try (Memory.Scope _ = backend.memory().scope()) {
      Tensor pixels =
          backend.memory().floats(architecture.input().shape(count), Category.DATA, "images");
      backend.upload(batch.pixels(), 0, pixels);
      return prior.score(new PriorRequest(architecture, network, backend, pixels));
    }
  }
}
