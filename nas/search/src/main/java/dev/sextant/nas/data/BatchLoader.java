package dev.sextant.nas.data;

import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Endless training batches: each epoch in its own shuffled order, augmented, normalised, and made
 * ahead by one thread in a ring of three buffers.
 *
 * <pre>{@code
 * try (var loader = new BatchLoader(data.train(), split.train(), 64, data.normalization(),
 *     Augmentation.light(data.height()), seed, true)) {
 *   for (long step = 0; step < steps; step++) {
 *     Batch batch = loader.next();   // valid until the next call
 *     ...
 *   }
 * }
 * }</pre>
 *
 * <p>Batch (epoch, index) is always the same for the same arguments, whatever the threads do. For
 * one calling thread; {@link #close} may be called from any.
 */
public final class BatchLoader implements AutoCloseable {
  private static final int RING = 3;

  /**
   * A place in the endless sequence of batches.
   *
   * @param epoch from 0
   * @param batch within the epoch, from 0
   */
  public record Position(long epoch, int batch) {}

  /** Makes one batch; the seam for tests of a failing thread. */
  interface Filler {
    void fill(Batch batch, long epoch, int index);
  }

  private final int batchesPerEpoch;
  private final Filler filler;
  private final Thread thread;

  // Guarded by lock.
  private final Object lock = new Object();
  private final Batch[] free = new Batch[RING];
  private final Batch[] ready = new Batch[RING];
  private int freeCount;
  private int readyFirst;
  private int readyCount;
  private long produceEpoch;
  private int produceBatch;
  private long consumeEpoch;
  private int consumeBatch;
  private @Nullable Batch lent;
  private @Nullable Throwable failure;
  private int generation;
  private boolean closed;

  /**
   * Starts the thread.
   *
   * @param images where pixels and labels come from
   * @param indices the images to use, such as {@link Split#train()}
   * @param batchSize images in a full batch
   * @param normalization mean and deviation of each channel
   * @param augmentation what is done to each image besides normalisation
   * @param seed of the order of images and of their augmentation
   * @param dropLast whether an incomplete last batch of an epoch is left out
   * @throws SextantException if an argument does not fit the images or no batch can be made
   */
  public BatchLoader(
      Images images,
      int[] indices,
      int batchSize,
      Normalization normalization,
      Augmentation augmentation,
      long seed,
      boolean dropLast) {
    this(
        new BatchPlan(
            images,
            indices,
            batchSize,
            normalization,
            augmentation,
            seed,
            true,
            dropLast,
            Workers.ALONE));
  }

  /**
   * Starts the thread; batches are one worker's shares of whole ones, an incomplete last of which
   * is left out.
   *
   * @param images where pixels and labels come from
   * @param indices the images to use, such as {@link Split#train()}
   * @param batchSize images in a whole batch, which all workers share alike: rounded down to a
   *     multiple of their number
   * @param normalization mean and deviation of each channel
   * @param augmentation what is done to each image besides normalisation
   * @param seed of the order of images and of their augmentation
   * @param workers this one and the others
   * @throws SextantException if an argument does not fit the images or the workers
   */
  public BatchLoader(
      Images images,
      int[] indices,
      int batchSize,
      Normalization normalization,
      Augmentation augmentation,
      long seed,
      Workers workers) {
    this(
        new BatchPlan(
            images, indices, batchSize, normalization, augmentation, seed, true, true, workers));
  }

  private BatchLoader(BatchPlan plan) {
    this(plan, plan::fill);
  }

  BatchLoader(BatchPlan plan, Filler filler) {
    this.batchesPerEpoch = plan.batches();
    this.filler = filler;
    for (int i = 0; i < RING; i++) {
      free[freeCount++] = plan.newBatch();
    }
    thread = Thread.ofPlatform().daemon().name("sextant-batches").start(this::produce);
  }

  /** {@return batches of one epoch, at least 1} */
  public int batchesPerEpoch() {
    return batchesPerEpoch;
  }

  /**
   * {@return the next batch, on loan until the next call of this method or {@link #recycle}}
   *
   * @throws SextantException if making it failed, if the loader is closed or the thread interrupted
   */
  public Batch next() {
    synchronized (lock) {
      takeBack();
      while (readyCount == 0 && failure == null && !closed) {
        await();
      }
      if (closed) {
        throw new SextantException("batches: the loader is closed");
      }
      if (readyCount == 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "batches: batch %d of epoch %d could not be made (%s)",
                consumeBatch,
                consumeEpoch,
                failure),
            failure);
      }
      Batch batch = ready[readyFirst];
      readyFirst = (readyFirst + 1) % RING;
      readyCount--;
      lent = batch;
      if (++consumeBatch == batchesPerEpoch) {
        consumeBatch = 0;
        consumeEpoch++;
      }
      return batch;
    }
  }

  /**
   * Hands the batch on loan back early, so that the thread may fill it.
   *
   * @param batch the one that {@link #next} gave last
   */
  public void recycle(Batch batch) {
    synchronized (lock) {
      if (batch != lent) {
        throw new IllegalArgumentException("this batch is not on loan");
      }
      takeBack();
    }
  }

  /** {@return where {@link #next} continues: what a checkpoint keeps} */
  public Position position() {
    synchronized (lock) {
      return new Position(consumeEpoch, consumeBatch);
    }
  }

  /**
   * Continues at a position, forwards or backwards; a batch on loan stays valid.
   *
   * @param position as {@link #position} gave it
   * @throws SextantException if there is no such batch
   */
  public void seek(Position position) {
    if (position.epoch() < 0 || position.batch() < 0 || position.batch() >= batchesPerEpoch) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "batches: there is no batch %d in epoch %d (an epoch has %d)",
              position.batch(),
              position.epoch(),
              batchesPerEpoch));
    }
    synchronized (lock) {
      generation++;
      failure = null;
      while (readyCount > 0) {
        free[freeCount++] = ready[readyFirst];
        readyFirst = (readyFirst + 1) % RING;
        readyCount--;
      }
      produceEpoch = consumeEpoch = position.epoch();
      produceBatch = consumeBatch = position.batch();
      lock.notifyAll();
    }
  }

  /** Stops the thread and waits for it to end; does nothing the second time. */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void takeBack() {
    if (lent != null) {
      free[freeCount++] = lent;
      lent = null;
      lock.notifyAll();
    }
  }

  private void await() {
    try {
      lock.wait();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SextantException("batches: interrupted while waiting", e);
    }
  }

  private void produce() {
    while (true) {
      Batch batch;
      long epoch;
      int index;
      int startedIn;
      synchronized (lock) {
        while (!closed && (freeCount == 0 || failure != null)) {
          await();
        }
        if (closed) {
          return;
        }
        batch = free[--freeCount];
        epoch = produceEpoch;
        index = produceBatch;
        startedIn = generation;
        if (++produceBatch == batchesPerEpoch) {
          produceBatch = 0;
          produceEpoch++;
        }
      }
      Throwable thrown = null;
      try {
        filler.fill(batch, epoch, index);
      } catch (Throwable e) {
        // Whatever it is, the caller of next() must learn of it: nobody watches this thread.
        thrown = e;
      }
      synchronized (lock) {
        if (startedIn != generation || thrown != null) {
          free[freeCount++] = batch;
          failure = startedIn == generation ? thrown : failure;
        } else {
          ready[(readyFirst + readyCount++) % RING] = batch;
        }
        lock.notifyAll();
      }
    }
  }
}
