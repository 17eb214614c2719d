package dev.sextant.tensor.internal.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that split one kernel at a time: static partition, spin then park.
 *
 * <p>A network runs about sixty small kernels in a row, so a hand-off must cost little: helpers
 * spin for {@link #SPINS} turns after their last kernel (some tens of microseconds) before they
 * park, and the caller works on part 0 itself. A call allocates nothing. Called from one thread at
 * a time.
 */
public final class WorkerTeam implements AutoCloseable {
  /** One kernel, called once for each worker; must write only its own share of the output. */
  public interface Task {
    /**
     * Does one share of the work.
     *
     * @param worker this share, from 0
     * @param workers number of shares
     */
    void run(int worker, int workers);
  }

  private static final int SPINS = 20_000;

  private final Helper[] helpers;
  private final AtomicInteger pending = new AtomicInteger();
  private @Nullable Task task;
  private volatile @Nullable Throwable failure;
  private volatile int generation;
  private volatile boolean closed;

  /** A team of that many workers, the caller included. */
  public WorkerTeam(int threads) {
    helpers = new Helper[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper(i + 1);
      helpers[i].start();
    }
  }

  /** Number of workers, the caller included. */
  public int threads() {
    return helpers.length + 1;
  }

  /**
   * Runs every share of the task and returns when all are done.
   *
   * @throws IllegalStateException if a share threw (what it threw is the cause, or is thrown itself
   *     where it was the caller's share), or if the team is closed
   */
  public void run(Task work) {
    if (closed) {
      throw new IllegalStateException("the team is closed");
    }
    if (helpers.length == 0) {
      work.run(0, 1);
      return;
    }
    task = work;
    failure = null;
    pending.set(helpers.length);
    generation++;
    for (Helper helper : helpers) {
      if (helper.parked) {
        LockSupport.unpark(helper);
      }
    }
    try {
      work.run(0, helpers.length + 1);
    } finally {
      for (int spins = 0; pending.get() != 0; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
    }
    Throwable thrown = failure;
    if (thrown != null) {
      throw new IllegalStateException("a worker failed", thrown);
    }
  }

  /** Ends the helper threads. Idempotent. */
  @Override
  public void close() {
    closed = true;
    for (Helper helper : helpers) {
      LockSupport.unpark(helper);
    }
  }

  private final class Helper extends Thread {
    private final int worker;
    private volatile boolean parked;

    private Helper(int worker) {
      super("sextant-worker-" + worker);
      this.worker = worker;
      setDaemon(true);
    }

    @Override
    public void run() {
      int seen = 0;
      while (!closed) {
        int spins = 0;
        while (generation == seen && !closed) {
          if (++spins < SPINS) {
            Thread.onSpinWait();
          } else {
            parked = true;
            if (generation == seen && !closed) {
              LockSupport.park(this);
            }
            parked = false;
          }
        }
        if (closed) {
          return;
        }
        seen = generation;
        Task current = task;
        try {
          if (current != null) {
            current.run(worker, helpers.length + 1);
          }
        } catch (Throwable thrown) {
          failure = thrown;
        } finally {
          pending.decrementAndGet();
        }
      }
    }
  }
}
