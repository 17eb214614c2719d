package dev.sextant.nas.search;

/** Means of loss and accuracy since the start of an epoch; part of a checkpoint. */
final class RunningMean {
  private double loss;
  private double accuracy;
  private long count;

  void add(Classification.Outcome outcome) {
    loss += outcome.loss();
    accuracy += outcome.accuracy();
    count++;
  }

  void reset() {
    loss = 0;
    accuracy = 0;
    count = 0;
  }

  Classification.Outcome mean() {
    return count == 0
        ? new Classification.Outcome(Double.NaN, Double.NaN)
        : new Classification.Outcome(loss / count, accuracy / count);
  }

  double[] state() {
    return new double[] {loss, accuracy, count};
  }

  void restore(double[] saved) {
    loss = saved[0];
    accuracy = saved[1];
    count = (long) saved[2];
  }
}
