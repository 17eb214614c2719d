package dev.sextant.tensor.internal.cpu.team;

/** How the memory-bound kernels divide a range among the workers of a team. */
public final class Shares {
  /**
   * Elements below which a kernel stays on the calling thread: waking a spinning helper costs a few
   * microseconds, about what one core needs to stream this much.
   */
  static final int PARALLEL_ELEMENTS = 16_384;

  private Shares() {}

  /** Runs a task on the whole team if it touches enough elements, else on the caller alone. */
  public static void run(WorkerTeam team, WorkerTeam.Task task, long elements) {
    if (elements < PARALLEL_ELEMENTS) {
      task.run(0, 1);
    } else {
      team.run(task);
    }
  }

  /**
   * Where a worker's share of {@code [0, size)} begins; it ends where the next one's begins.
   *
   * @param grain shares begin at multiples of this, so that no two write one cache line
   */
  public static int begin(int size, int grain, int worker, int workers) {
    long grains = (size + (long) grain - 1) / grain;
    return (int) Math.min(size, grains * worker / workers * grain);
  }
}
