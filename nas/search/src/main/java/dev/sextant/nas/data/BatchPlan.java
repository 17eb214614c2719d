package dev.sextant.nas.data;

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
  private final Augmenter augmenter;
  private final int[] order;
  private long orderedEpoch = -1;

  BatchPlan(
      Images images,
      int[] indices,
      int batchSize,
      Normalization normalization,
      Augmentation augmentation,
      long seed,
      boolean shuffled,
      boolean dropLast) {
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
    int whole = indices.length / batchSize;
    this.batches = dropLast || indices.length % batchSize == 0 ? whole : whole + 1;
    if (batches == 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "batches: %d images make no batch of %d", indices.length, batchSize));
    }
    this.images = images;
    this.indices = indices.clone();
    this.batchSize = batchSize;
    this.seed = seed;
    this.shuffled = shuffled;
    this.augmenter = new Augmenter(images, augmentation, normalization);
    this.order = indices.clone();
  }

  int batches() {
    return batches;
  }

  Batch newBatch() {
    return new Batch(batchSize, images.imageBytes());
  }

  void fill(Batch batch, long epoch, int index) {
    if (shuffled && epoch != orderedEpoch) {
      System.arraycopy(indices, 0, order, 0, order.length);
      Rng.of(seed, epoch).shuffle(order);
      orderedEpoch = epoch;
    }
    int first = index * batchSize;
    int count = Math.min(batchSize, order.length - first);
    for (int i = 0; i < count; i++) {
      int image = order[first + i];
      batch.labels()[i] = images.label(image);
      augmenter.apply(images, image, seed, epoch, batch.pixels(), i * images.imageBytes());
    }
    batch.set(count, epoch, index);
  }
}
