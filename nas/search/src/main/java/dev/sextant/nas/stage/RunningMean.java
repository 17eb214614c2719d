package dev.sextant.nas.stage;

import dev.sextant.nas.objective.Outcome;

/** Means of loss and accuracy since the start of an epoch; part of a checkpoint. */
public final class RunningMean {
  private double loss;
  private double accuracy;
  private long count;

  public void add(Outcome outcome) {
    loss += outcome.loss();
    accuracy += outcome.accuracy();
    count++;
  }

  public void reset() {
    loss = 0;
    accuracy = 0;
    count = 0;
  }

  public Outcome mean() {
    return count == 0
        ? new Outcome(Double.NaN, Double.NaN)
        : new Outcome(loss / count, accuracy / count);
  }

  public double[] state() {
    return new double[] {loss, accuracy, count};
  }

  public void restore(double[] saved) {
    loss = saved[0];
    accuracy = saved[1];
    count = (long) saved[2];
  }
}
