package dev.sextant.nas.objective;

import dev.sextant.tensor.SextantException;

/**
 * How what a network makes of images and what it costs become one number. Costs and the target have
 * one unit, milliseconds where the cost is latency. Not thread-safe: the trade-off may be changed.
 */
public abstract sealed class Objective permits Loss, Reward {
  private double lambda;

  Objective(double lambda) {
    this.lambda = lambda;
  }

  /**
   * {@return what one network is worth to a policy that follows rewards: more is better}
   *
   * @param outcome loss and accuracy of the network
   * @param cost of the network, in the unit of the target
   */
  public abstract double reward(Outcome outcome, double cost);

  /** {@return the trade-off: lambda2, lambda or beta} */
  public final double lambda() {
    return lambda;
  }

  /**
   * Makes this the trade-off.
   *
   * @param value of the trade-off
   */
  public final void setLambda(double value) {
    lambda = value;
  }

  /** The target, refused if no cost can be compared with it. */
  static double positive(double target) {
    if (!(target > 0 && target < Double.POSITIVE_INFINITY)) {
      throw new SextantException("objective: target " + target + " is not positive");
    }
    return target;
  }
}
