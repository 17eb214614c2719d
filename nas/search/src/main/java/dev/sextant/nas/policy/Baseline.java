package dev.sextant.nas.policy;

/** What a reward is compared with: an exponential moving average of the rewards so far. */
final class Baseline {
  private final double momentum;
  private final boolean debiased;
  private double sum;
  private double weight;

  /**
   * An empty average.
   *
   * @param momentum weight of the past: 0.95 in TuNAS, 0.01 in ProxylessNAS's code
   * @param debiased whether the average starts from 0 and is divided by the weight it has gathered
   *     (TuNAS), or starts from the first value (ProxylessNAS)
   */
  Baseline(double momentum, boolean debiased) {
    this.momentum = momentum;
    this.debiased = debiased;
  }

  /** Takes in the mean reward of a step; the baseline of that step. */
  double update(double mean) {
    if (weight == 0 && !debiased) {
      sum = mean;
      weight = 1;
    } else {
      sum = momentum * sum + (1 - momentum) * mean;
      weight = momentum * weight + (1 - momentum);
    }
    return sum / weight;
  }

  double[] state() {
    return new double[] {sum, weight};
  }

  void restore(double[] saved) {
    sum = saved[0];
    weight = saved[1];
  }
}
