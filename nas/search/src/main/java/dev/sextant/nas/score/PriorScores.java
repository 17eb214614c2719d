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
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Training-free scores of a space's networks on the same few images. Confined to the thread of the
 * backend.
 */
public final class PriorScores {
  /** Images that a score looks at, at most. */
  private static final int IMAGES = 64;

  private final PriorProvider prior;
  private final SearchSpace space;
  private final Backend backend;
  private final SequentialBatches images;
  private final int batch;

  /**
   * Scores by some images.
   *
   * @param prior that scores
   * @param space of networks for the images of {@code data}
   * @param backend where networks run
   * @param data where the images are from
   * @param images indices of training images, of which the first {@value #IMAGES} are looked at, in
   *     whole batches
   * @param batch images at once, at most
   */
  public PriorScores(
      PriorProvider prior,
      SearchSpace space,
      Backend backend,
      ImageDataset data,
      int[] images,
      int batch) {
    this.prior = prior;
    this.space = space;
    this.backend = backend;
    int most = Math.min(IMAGES, images.length);
    this.batch = Math.min(batch, most);
    int[] seen = Arrays.copyOf(images, most / this.batch * this.batch);
    this.images = new SequentialBatches(data.train(), seen, this.batch, data.normalization());
  }

  /**
   * {@return the score of a network, the mean over several sets of new weights}
   *
   * @param decisions of the network
   * @param weights how many sets
   * @param rng that weights are drawn from: another one for each network where a fit is to average
   *     over what is luck of the weights
   */
  public double of(int[] decisions, int weights, Rng rng) {
    Architecture architecture = space.derive(decisions);
    double sum = 0;
    for (int i = 0; i < weights; i++) {
      try (Network network = new Network(architecture, new Initializer(backend, rng), 0, rng)) {
        network.startUnscaled(backend);
        network.parameters().values().forEach(parameter -> parameter.setFrozen(true));
        sum += score(architecture, network);
      }
    }
    return sum / weights;
  }

  private double score(Architecture architecture, Module network) {
    try (Memory.Scope _ = backend.memory().scope()) {
      List<Tensor> batches = new ArrayList<>();
      for (Batch next : images) {
        Tensor pixels =
            backend.memory().floats(architecture.input().shape(batch), Category.DATA, "images");
        backend.upload(next.pixels(), 0, pixels);
        batches.add(pixels);
      }
      return prior.score(new PriorRequest(architecture, network, backend, batches));
    }
  }
}
