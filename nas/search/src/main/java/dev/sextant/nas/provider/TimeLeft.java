package dev.sextant.nas.provider;

import java.util.List;

/**
 * How long something that tells its {@link Progress} still takes: the stage it is in by the pace of
 * its last steps, those to come by what a unit of work has taken so far.
 *
 * <p>Confined to one thread.
 */
public final class TimeLeft {
  /**
   * Seconds over which a pace is taken, up to twice as many: enough to average steps out and to
   * forget the first ones, which are slower, and few enough to notice another phase.
   */
  private static final double WINDOW = 10;

  private List<Progress.Stage> course = List.of();
  private String stage = "";
  private long done;
  private long steps;
  private double now;
  private double stageStart;

  /** The pace is taken since the older of two moments; NaN before a second step. */
  private double older;

  private double newer;
  private long olderDone;
  private long newerDone;
  private double endedSeconds;
  private double endedWork;

  /** Knows of nothing yet. */
  public TimeLeft() {}

  /**
   * Takes note of what is to come.
   *
   * @param stages all of them, in order
   */
  public void course(List<Progress.Stage> stages) {
    course = List.copyOf(stages);
    stage = "";
    endedSeconds = 0;
    endedWork = 0;
  }

  /**
   * Takes note of a step.
   *
   * @param name of the stage
   * @param done steps of it
   * @param steps of it in all
   * @param nanos a clock's time now
   */
  public void step(String name, long done, long steps, long nanos) {
    double before = now;
    now = nanos * 1e-9;
    if (!name.equals(stage)) {
      if (!stage.isEmpty()) {
        endedSeconds += before - stageStart;
        endedWork += work(stage);
      }
      stage = name;
      stageStart = now;
      older = now;
      newer = now;
      olderDone = done;
      newerDone = done;
    } else if (now - newer > WINDOW) {
      older = newer;
      olderDone = newerDone;
      newer = now;
      newerDone = done;
    }
    this.done = done;
    this.steps = steps;
  }

  /** {@return seconds until the stage ends; NaN while that is not known} */
  public double stageSeconds() {
    double left = steps - done;
    if (done > olderDone) {
      return left * (now - older) / (done - olderDone);
    }
    return left == 0 ? 0 : left / steps * work(stage) * perWork();
  }

  /** {@return seconds until all ends; NaN while that is not known} */
  public double runSeconds() {
    double seconds = stageSeconds();
    boolean later = false;
    for (Progress.Stage each : course) {
      if (later) {
        seconds += each.work() * perWork();
      }
      later |= each.name().equals(stage);
    }
    return seconds;
  }

  /** Seconds for a unit of work: of the stages that ended and, as far as it goes, of this one. */
  private double perWork() {
    double share = (double) (done - olderDone) / Math.max(1, steps);
    double seconds = endedSeconds + (now - older);
    double work = endedWork + share * work(stage);
    return work > 0 ? seconds / work : Double.NaN;
  }

  private double work(String name) {
    for (Progress.Stage each : course) {
      if (each.name().equals(name)) {
        return each.work();
      }
    }
    return 0;
  }
}
