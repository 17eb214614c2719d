package dev.sextant.nas.data;

import dev.sextant.nas.workers.Workers;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * One pass over images in the order of their indices, normalised but not augmented, for evaluation;
 * the last batch may be smaller. Each iteration starts anew and lends the same buffer for every
 * batch, so only one iteration may run at a time, on one thread.
 */
public final class SequentialBatches implements Iterable<Batch> {
  private final BatchPlan plan;
  private final Batch batch;

  /**
   * Over some images, such as {@link Split#validation()}.
   *
   * @param images where pixels and labels come from
   * @param indices of the images to go over, in order
   * @param batchSize images in a full batch
   * @param normalization mean and deviation of each channel
   */
  public SequentialBatches(
      Images images, int[] indices, int batchSize, Normalization normalization) {
    this.plan =
        new BatchPlan(
            images,
            indices,
            batchSize,
            normalization,
            Augmentation.none(),
            0,
            false,
            false,
            Workers.ALONE);
    this.batch = plan.newBatch();
  }

  /**
   * Over all images of a part.
   *
   * @param images where pixels and labels come from
   * @param batchSize images in a full batch
   * @param normalization mean and deviation of each channel
   */
  public SequentialBatches(Images images, int batchSize, Normalization normalization) {
    this(images, all(images.count()), batchSize, normalization);
  }

  private static int[] all(int count) {
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      indices[i] = i;
    }
    return indices;
  }

  /** {@return batches of one pass} */
  public int batches() {
    return plan.batches();
  }

  @Override
  public Iterator<Batch> iterator() {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < plan.batches();
      }

      @Override
      public Batch next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        plan.fill(batch, 0, next++);
        return batch;
      }
    };
  }
}
