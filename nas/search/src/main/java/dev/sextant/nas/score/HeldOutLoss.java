package dev.sextant.nas.score;

import dev.sextant.autograd.Tape;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What networks are worth in a trained supernet: their cross-entropy on held-out images, with batch
 * norm by the batch, since the running statistics of a candidate are those of all paths through it.
 *
 * <p>Images come in parts of {@value #PART}: networks scored on different parts are comparable once
 * each part's mean is taken off, and a fit over many of them sees all images. Loss ranks better
 * than accuracy, of which a few hundred images have too few steps. Confined to the thread of the
 * supernet.
 */
public final class HeldOutLoss {
  /** Images of a part, at most. */
  public static final int PART = 512;

  private final Supernet supernet;
  private final Passes passes;
  private final List<SequentialBatches> parts = new ArrayList<>();

  /**
   * Scores by some images.
   *
   * @param supernet whose weights networks have
   * @param space of the supernet
   * @param backend of the supernet
   * @param data where the images are from, of the size of the supernet's
   * @param images indices of training images that did not train the supernet
   * @param batch images at once, by whose statistics batch norm goes; whole batches are used as far
   *     as there are enough images
   */
  public HeldOutLoss(
      Supernet supernet,
      SearchSpace space,
      Backend backend,
      ImageDataset data,
      int[] images,
      int batch) {
    this.supernet = supernet;
    passes = Passes.of(backend, space);
    int size = Math.min(batch, images.length);
    int perPart = Math.max(1, Math.min(PART, images.length) / size) * size;
    int count = Math.max(1, images.length / perPart);
    for (int part = 0; part < count; part++) {
      int[] of = Arrays.copyOfRange(images, part * perPart, (part + 1) * perPart);
      parts.add(new SequentialBatches(data.train(), of, size, data.normalization()));
    }
  }

  /** {@return into how many parts the images fall} */
  public int parts() {
    return parts.size();
  }

  /**
   * {@return mean cross-entropy and accuracy of a network on one part of the images}
   *
   * @param decisions of the network
   * @param part from 0
   */
  public Outcome of(int[] decisions, int part) {
    supernet.setDecisions(decisions);
    return passes.evaluate(supernet, parts.get(part), Tape.Mode.TRAIN_STATELESS);
  }
}
