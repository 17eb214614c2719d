package dev.sextant.nas.stage;

import dev.sextant.nas.objective.Outcome;

/** Means of loss and accuracy since the start of an epoch; part of a checkpoint. */
public final class RunningMean {
  private double loss;
  private double accuracy;
  private long count;

  /** Of an epoch that begins. */
  public RunningMean() {}

  /**
   * Takes one more outcome in.
   *
   * @param outcome of a step
   */
  public void add(Outcome outcome) {
    loss += outcome.loss();
    accuracy += outcome.accuracy();
    count++;
  }

  /** Begins an epoch. */
  public void reset() {
    loss = 0;
    accuracy = 0;
    count = 0;
  }

  /** {@return the means; NaN before the first step} */
  public Outcome mean() {
    return count == 0
        ? new Outcome(Double.NaN, Double.NaN)
        : new Outcome(loss / count, accuracy / count);
  }

  /** {@return what {@link #restore} takes} */
  public double[] state() {
    return new double[] {loss, accuracy, count};
  }

  /**
   * Continues from what {@link #state} gave.
   *
   * @param saved three numbers
   */
  public void restore(double[] saved) {
    loss = saved[0];
    accuracy = saved[1];
    count = (long) saved[2];
  }
}
