package dev.sextant.nas.objective;

/**
 * Makes the budget hold without the user tuning lambda, for any scale of losses, costs and rates.
 *
 * <p>With g the cross-entropy's gradient by the architecture parameters and c the expected cost's,
 * a step along -(g + lambda c) leaves the cost as it is at lambda = -(g c) / (c c), and lambda =
 * |g| / |c| makes both equally strong. Lambda is the first, averaged over recent steps, plus the
 * second times a proportional-integral term in ln(E / T), whose gains follow from how far one step
 * can move the cost: the error falls e-fold in {@link #STEPS} steps.
 *
 * <p>Lambda may become negative: then the budget is larger than what accuracy alone asks for, and
 * spending it is what the user asked for.
 */
public final class LambdaController {
  /** Steps in which an error falls e-fold, as far as the architecture rate allows. */
  private static final double STEPS = 8;

  /**
   * Twice what damps an integrating process critically, four times the proportional part's steps:
   * Adam remembers large gradients, so that a step reaches less far for a while.
   */
  private static final double INTEGRAL_STEPS = 8 * STEPS;

  /** Most of the proportional and of the integral part, in units of |g| / |c|. */
  private static final double LIMIT = 1.5;

  private static final double MEMORY = 0.95;

  private final double target;
  private double lossSquare;
  private double alignment;
  private double costSquare;
  private double integral;

  /** The gradients of one step by all architecture parameters. */
  public static final class Slopes {
    private double lossSquare;
    private double alignment;
    private double costSquare;
    private double costSum;

    /**
     * The sums over all architecture parameters.
     *
     * @param lossSquare g g, of the cross-entropy's part of the loss
     * @param alignment g c
     * @param costSquare c c, of the expected cost
     * @param costSum sum of the absolute values of c
     */
    public Slopes(double lossSquare, double alignment, double costSquare, double costSum) {
      this.lossSquare = lossSquare;
      this.alignment = alignment;
      this.costSquare = costSquare;
      this.costSum = costSum;
    }

    /** Starts a step. */
    public void clear() {
      lossSquare = 0;
      alignment = 0;
      costSquare = 0;
      costSum = 0;
    }

    /**
     * Takes in the gradients by one architecture parameter.
     *
     * @param ofLoss g, of the cross-entropy's part of the loss
     * @param ofCost c, of the expected cost
     */
    public void add(double ofLoss, double ofCost) {
      add(ofLoss, ofCost, ofCost);
    }

    /**
     * The same where the cost's part of the loss is not the gradient of the cost that is aimed by.
     *
     * @param ofLoss derivative of the cross-entropy by one architecture parameter
     * @param ofCost derivative of the cost's part of the loss by the same parameter
     * @param ofAim derivative of that cost
     */
    public void add(double ofLoss, double ofCost, double ofAim) {
      lossSquare += ofLoss * ofLoss;
      alignment += ofLoss * ofCost;
      costSquare += ofCost * ofCost;
      costSum += Math.abs(ofAim);
    }
  }

  /**
   * A controller that aims at a budget, in the unit of the costs.
   *
   * @param target the budget
   */
  public LambdaController(double target) {
    this.target = target;
  }

  /**
   * Takes note of a step.
   *
   * @param expectedCost E after it
   * @param slopes of loss and cost by the architecture parameters
   * @param rate of the architecture parameters: about how far each can move in a step
   * @return the weight of E in the loss of the next step
   */
  public double observe(double expectedCost, Slopes slopes, double rate) {
    lossSquare = MEMORY * lossSquare + slopes.lossSquare;
    alignment = MEMORY * alignment + slopes.alignment;
    costSquare = MEMORY * costSquare + slopes.costSquare;
    double reach = rate * slopes.costSum / expectedCost;
    if (!(costSquare > 0 && reach > 0)) {
      return 0;
    }
    double needed = Math.log(expectedCost / target) / (STEPS * reach);
    double proportional = Math.clamp(needed, -LIMIT, LIMIT);
    // Where the limit is reached the way is long, and nothing is to be learned about a rest.
    if (proportional == needed) {
      integral = Math.clamp(integral + needed / INTEGRAL_STEPS, -LIMIT, LIMIT);
    }
    double balance = Math.sqrt(lossSquare / costSquare);
    return -alignment / costSquare + balance * (proportional + integral);
  }

  /** {@return what the next step depends on, for a checkpoint} */
  public double[] state() {
    return new double[] {lossSquare, alignment, costSquare, integral};
  }

  /**
   * Continues from a checkpoint.
   *
   * @param saved as {@link #state} gave it
   */
  public void restore(double[] saved) {
    lossSquare = saved[0];
    alignment = saved[1];
    costSquare = saved[2];
    integral = saved[3];
  }
}
