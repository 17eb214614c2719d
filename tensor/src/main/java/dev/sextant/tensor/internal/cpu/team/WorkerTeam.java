package dev.sextant.tensor.internal.cpu.team;

import dev.sextant.tensor.SextantException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that split one kernel at a time: static partition, spin then park.
 *
 * <p>A network runs about sixty small kernels in a row, so a hand-off must cost little: workers
 * spin for a while after their last kernel ({@link #IDLE_NANOS} where nothing else is said) before
 * they park, and the caller works too. What a share is depends on its number alone, not on who does
 * it: threads claim shares, so that where other processes hold a worker up the caller does its
 * share instead of waiting, and the result has the same bits. A call allocates nothing. Called from
 * one thread at a time, unless it is {@link #shared}: then threads take turns.
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

  /** Name of the property that says how long workers stay awake, in microseconds. */
  public static final String IDLE_PROPERTY = "sextant.team.idle";

  /**
   * How long workers spin after a kernel: between two layers a caller does a few microseconds of
   * work alone, and waking a thread takes some fifty.
   */
  public static final long IDLE_NANOS =
      Duration.of(Math.max(0, Long.getLong(IDLE_PROPERTY, 1000)), ChronoUnit.MICROS).toNanos();

  /** Turns that a caller waits for the last share before it lets other threads run. */
  private static final int SPINS = 20_000;

  /** The clock takes as long as some turns: it is looked at after so many. */
  private static final int TURNS = 64;

  private final Worker[] workers;
  private final long idleNanos;

  /** Whose turn it is, of a shared team. */
  private final @Nullable ReentrantLock turn;

  /** Number of the run in the upper half, the next share nobody has claimed in the lower. */
  private final AtomicLong claims = new AtomicLong();

  private final AtomicInteger finished = new AtomicInteger();

  /** Written before a run is opened; cannot change while a share of the run is claimed. */
  private @Nullable Task task;

  private volatile @Nullable Throwable failure;
  private volatile boolean closed;

  /** A team of that many workers, the caller included. */
  public WorkerTeam(int threads) {
    this(threads, IDLE_NANOS, null);
  }

  private WorkerTeam(int threads, long idleNanos, @Nullable ReentrantLock turn) {
    this.idleNanos = idleNanos;
    this.turn = turn;
    workers = new Worker[threads - 1];
    claims.set(threads);
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  /**
   * A team for several threads, which take turns in the order of arrival.
   *
   * @param threads workers, the caller included
   * @param idleNanos how long workers stay awake after a kernel
   */
  public static WorkerTeam shared(int threads, long idleNanos) {
    return new WorkerTeam(threads, idleNanos, new ReentrantLock(true));
  }

  /**
   * Does work of several kernels in one turn.
   *
   * @throws SextantException if the team is closed
   */
  public void inTurn(Runnable work) {
    if (turn == null) {
      work.run();
      return;
    }
    turn.lock();
    try {
      if (closed) {
        throw new SextantException("team: is closed");
      }
      work.run();
    } finally {
      turn.unlock();
    }
  }

  /** Number of workers, the caller included. */
  public int threads() {
    return workers.length + 1;
  }

  /**
   * Runs every share of the task and returns when all are done.
   *
   * @throws IllegalStateException if a share threw (what it threw is the cause), or if the team is
   *     closed
   */
  public void run(Task work) {
    ReentrantLock lock = turn;
    if (lock != null) {
      lock.lock();
    }
    try {
      if (closed) {
        throw new IllegalStateException("the team is closed");
      }
      int shares = threads();
      if (shares == 1) {
        work.run(0, 1);
        return;
      }
      task = work;
      failure = null;
      finished.set(0);
      claims.set(((claims.get() >>> 32) + 1) << 32);
      for (Worker worker : workers) {
        if (worker.parked) {
          LockSupport.unpark(worker);
        }
      }
      while (claimAndRun()) {
        // Until every share is claimed.
      }
      for (int spins = 0; finished.get() < shares; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
      Throwable thrown = failure;
      if (thrown != null) {
        throw new IllegalStateException("a worker failed", thrown);
      }
    } finally {
      if (lock != null) {
        lock.unlock();
      }
    }
  }

  /** Does one share that nobody has claimed; returns whether there was one. */
  private boolean claimAndRun() {
    long claim = claims.get();
    int share = (int) claim;
    if (share >= threads()) {
      return false;
    }
    if (!claims.compareAndSet(claim, claim + 1)) {
      return true;
    }
    Task current = task;
    try {
      if (current != null) {
        current.run(share, threads());
      }
    } catch (Throwable thrown) {
      failure = thrown;
    } finally {
      finished.incrementAndGet();
    }
    return true;
  }

  /** Ends the worker threads. Idempotent. */
  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
  }

  private final class Worker extends Thread {
    private volatile boolean parked;

    private Worker(int number) {
      super("sextant-worker-" + number);
      setDaemon(true);
    }

    @Override
    public void run() {
      int turns = 0;
      long last = System.nanoTime();
      while (!closed) {
        if (claimAndRun()) {
          turns = 0;
        } else if (++turns % TURNS != 0) {
          Thread.onSpinWait();
        } else if (turns == TURNS) {
          last = System.nanoTime();
        } else if (System.nanoTime() - last >= idleNanos) {
          parked = true;
          if ((int) claims.get() >= threads() && !closed) {
            LockSupport.park(this);
          }
          parked = false;
          turns = 0;
        }
      }
    }
  }
}
