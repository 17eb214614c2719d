package dev.sextant.nas.search;

import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.SextantException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Workers that are threads of one process, each with a backend of its own. */
final class ThreadWorkers {
  private final float[][] values;
  private final CyclicBarrier barrier;

  /** Sums until one worker is lost; below 0 if none is. */
  private final int lostAfter;

  private ThreadWorkers(int count, int lostAfter) {
    values = new float[count][];
    barrier = new CyclicBarrier(count);
    this.lostAfter = lostAfter;
  }

  /** Runs the body as each of the workers; throws what one of them threw first. */
  static void run(int count, Consumer<Workers> body) {
    run(count, -1, body);
  }

  /** The same with the last of them lost after so many sums. */
  static void run(int count, int lostAfter, Consumer<Workers> body) {
    ThreadWorkers all = new ThreadWorkers(count, lostAfter);
    List<Throwable> thrown = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int rank = 0; rank < count; rank++) {
      Workers own = all.new Worker(rank);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      body.accept(own);
                    } catch (Throwable e) {
                      synchronized (thrown) {
                        thrown.add(e);
                      }
                    }
                  }));
    }
    for (Thread thread : threads) {
      try {
        while (!thread.join(Duration.ofMillis(10))) {
          synchronized (thrown) {
            if (!thrown.isEmpty()) {
              // Again and again: another may only be about to wait.
              all.barrier.reset();
            }
          }
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    if (!thrown.isEmpty()) {
      if (thrown.getFirst() instanceof SextantException e) {
        throw e;
      }
      throw new IllegalStateException(thrown.getFirst());
    }
  }

  private void await() {
    try {
      barrier.await(60, TimeUnit.SECONDS);
    } catch (BrokenBarrierException | InterruptedException | TimeoutException e) {
      throw new SextantException("workers: one is gone", e);
    }
  }

  private final class Worker implements Workers {
    private final int rank;
    private int sums;

    Worker(int rank) {
      this.rank = rank;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int count() {
      return values.length;
    }

    @Override
    public void sum(float[] own, int length) {
      if (sums++ == lostAfter && rank == values.length - 1) {
        throw new SextantException("workers: lost");
      }
      values[rank] = own;
      await();
      float[] sum = new float[length];
      for (float[] of : values) {
        for (int i = 0; i < length; i++) {
          sum[i] += of[i];
        }
      }
      await();
      System.arraycopy(sum, 0, own, 0, length);
    }

    @Override
    public void meet() {
      await();
    }
  }
}
