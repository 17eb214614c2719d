package dev.sextant.nas.objective;

/**
 * Makes the budget hold without the user tuning lambda: a proportional-integral controller on ln(E
 * / T), updated after each architecture step.
 *
 * <p>The integral part is the dual variable of the constraint E = T; the proportional part damps
 * it. The strength may become negative: then the budget is larger than what accuracy alone asks
 * for, and spending it is what the user asked for. The integral moves no further while its effect
 * cannot be seen (|ln(E / T)| is clamped), so that a long way to the target does not wind it up.
 */
public final class StrengthController {
  private static final double CLAMP = 0.2;

  private final double target;
  private final double proportional;
  private final double integral;
  private double accumulated;
  private double strength;

  /**
   * A controller for a run of that many architecture steps.
   *
   * @param target the budget T
   * @param initial the strength to start from, about what is right for the space
   * @param steps architecture steps in all
   */
  public StrengthController(double target, double initial, long steps) {
    this.target = target;
    this.proportional = 10 * Math.max(initial, 0.1);
    // A tenth of the run at the clamp doubles the initial strength.
    this.integral = 10 * Math.max(initial, 0.1) / (CLAMP * Math.max(1, steps));
    this.accumulated = initial;
    this.strength = initial;
  }

  /** Takes note of the expected cost after a step; returns the strength for the next. */
  public double observe(double expectedCost) {
    double error = Math.max(-CLAMP, Math.min(CLAMP, Math.log(expectedCost / target)));
    accumulated += integral * error;
    strength = accumulated + proportional * error;
    return strength;
  }

  /** The strength in force. */
  public double strength() {
    return strength;
  }

  /** The integral part and the strength, for a checkpoint. */
  public double[] state() {
    return new double[] {accumulated, strength};
  }

  /** Continues from a checkpoint. */
  public void restore(double[] saved) {
    accumulated = saved[0];
    strength = saved[1];
  }
}
