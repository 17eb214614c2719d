package dev.sextant.nas.data;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * What batch b of epoch e holds: a pure function, computed here, of the images, the indices, the
 * augmentation and the seed. Holds scratch, so it is not thread-safe.
 */
final class BatchPlan {
  private static final int LARGEST_BATCH_VALUES = Integer.MAX_VALUE - 8;

  private final Images images;
  private final int[] indices;
  private final int batchSize;
  private final int batches;
  private final long seed;
  private final boolean shuffled;
  private final Workers workers;
  private final Augmenter augmenter;
  private final int[] order;

  /** Pixels of a batch that lie in no array; empty where they do. */
  private final byte[] copied;

  private long orderedEpoch = -1;

  BatchPlan(
      Images images,
      int[] indices,
      int batchSize,
      Normalization normalization,
      Augmentation augmentation,
      long seed,
      boolean shuffled,
      boolean dropLast,
      Workers workers) {
    this.workers = workers;
    if (batchSize < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "batches: batch size %d is not positive", batchSize));
    }
    if ((long) batchSize * images.imageBytes() > LARGEST_BATCH_VALUES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "batches: %d images of [%d,%d,%d] exceed 2^31 values",
              batchSize,
              images.height(),
              images.width(),
              images.channels()));
    }
    for (int index : indices) {
      if (index < 0 || index >= images.count()) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "batches: index %d is not one of %d images", index, images.count()));
      }
    }
    this.batchSize = batchSize - batchSize % workers.count();
    if (this.batchSize == 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "batches: %d images are too few for %d workers",
              batchSize,
              workers.count()));
    }
    int whole = indices.length / this.batchSize;
    this.batches = dropLast || indices.length % this.batchSize == 0 ? whole : whole + 1;
    if (batches == 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "batches: %d images make no batch of %d", indices.length, batchSize));
    }
    this.images = images;
    this.indices = indices.clone();
    this.seed = seed;
    this.shuffled = shuffled;
    this.augmenter = new Augmenter(images, augmentation, normalization);
    this.order = indices.clone();
    this.copied = new byte[images.isInArrays() ? 0 : this.batchSize * images.imageBytes()];
  }

  int batches() {
    return batches;
  }

  Batch newBatch() {
    return new Batch(batchSize / workers.count(), images.imageBytes(), workers.count());
  }

  void fill(Batch batch, long epoch, int index) {
    if (shuffled && epoch != orderedEpoch) {
      System.arraycopy(indices, 0, order, 0, order.length);
      Rng.of(seed, epoch).shuffle(order);
      orderedEpoch = epoch;
    }
    int share = batchSize / workers.count();
    int first = index * batchSize + workers.rank() * share;
    int count = Math.min(share, order.length - first);
    boolean inArrays = images.isInArrays();
    if (!inArrays) {
      images.copyPixels(order, first, count, copied);
    }
    batch.scenes().clear();
    for (int i = 0; i < count; i++) {
      int image = order[first + i];
      int at = i * images.imageBytes();
      batch.labels()[i] = images.label(image);
      Rng rng = Rng.of(seed, epoch, image);
      byte[] pixels = inArrays ? images.chunk(image) : copied;
      int from = inArrays ? images.offset(image) : at;
      if (images.hasScenes()) {
        Scene scene = images.scene(image);
        batch.scenes().add(augmenter.apply(scene, pixels, from, rng, batch.pixels(), at));
      } else {
        augmenter.apply(pixels, from, rng, batch.pixels(), at);
      }
    }
    batch.set(count, epoch, index);
  }
}
