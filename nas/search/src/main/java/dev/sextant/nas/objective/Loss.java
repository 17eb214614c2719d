package dev.sextant.nas.objective;

import dev.sextant.tensor.SextantException;

/** An objective with a gradient: cross-entropy and cost make one loss. */
public abstract sealed class Loss extends Objective {
  private Loss(double lambda) {
    super(lambda);
  }

  /**
   * {@return the loss at a cross-entropy (nats) and an expected cost}
   *
   * @param crossEntropy in nats
   * @param cost expected cost, in the unit of the target
   */
  public abstract double loss(double crossEntropy, double cost);

  /**
   * {@return the loss's derivative with respect to the cross-entropy}
   *
   * @param crossEntropy in nats
   * @param cost expected cost, in the unit of the target
   */
  public abstract double perCrossEntropy(double crossEntropy, double cost);

  /**
   * {@return the loss's derivative with respect to the expected cost}
   *
   * @param crossEntropy in nats
   * @param cost expected cost, in the unit of the target
   */
  public abstract double perCost(double crossEntropy, double cost);

  /** The smaller the loss of the network, the larger its reward. */
  @Override
  public final double reward(Outcome outcome, double cost) {
    return -loss(outcome.loss(), cost);
  }

  /** A loss from outside: the open case, with the same rules as the others. */
  public abstract static non-sealed class Provided extends Loss {
    /**
     * A loss with that trade-off.
     *
     * @param lambda the trade-off to start from
     */
    protected Provided(double lambda) {
      super(lambda);
    }
  }

  /** CE + lambda2 E (ProxylessNAS, eq. 7; its lambda1 term is the optimizer's weight decay). */
  public static final class Additive extends Loss {
    /**
     * The form with that trade-off.
     *
     * @param lambda2 the trade-off to start from
     */
    public Additive(double lambda2) {
      super(lambda2);
    }

    @Override
    public double loss(double crossEntropy, double cost) {
      return crossEntropy + lambda() * cost;
    }

    @Override
    public double perCrossEntropy(double crossEntropy, double cost) {
      return 1;
    }

    @Override
    public double perCost(double crossEntropy, double cost) {
      return lambda();
    }
  }

  /** CE + lambda (E / T - 1) ({@code add#linear} of the published code). */
  public static final class AddLinear extends Loss {
    private final double target;

    /**
     * The form with that trade-off and target.
     *
     * @param lambda the trade-off to start from
     * @param target the cost asked for, above 0
     */
    public AddLinear(double lambda, double target) {
      super(lambda);
      this.target = positive(target);
    }

    @Override
    public double loss(double crossEntropy, double cost) {
      return crossEntropy + lambda() * (cost / target - 1);
    }

    @Override
    public double perCrossEntropy(double crossEntropy, double cost) {
      return 1;
    }

    @Override
    public double perCost(double crossEntropy, double cost) {
      return lambda() / target;
    }
  }

  /**
   * CE - beta |E / T - 1|: TuNAS's reward for policies that follow gradients, to which the
   * cross-entropy is what accuracy is to others. On target the cost has no slope.
   */
  public static final class Absolute extends Loss {
    private final double target;

    /**
     * The form with that trade-off, at most 0 where cost is to be paid for, and target.
     *
     * @param beta the trade-off to start from
     * @param target the cost asked for, above 0
     */
    public Absolute(double beta, double target) {
      super(beta);
      this.target = positive(target);
    }

    @Override
    public double loss(double crossEntropy, double cost) {
      return crossEntropy - lambda() * Math.abs(cost / target - 1);
    }

    @Override
    public double perCrossEntropy(double crossEntropy, double cost) {
      return 1;
    }

    @Override
    public double perCost(double crossEntropy, double cost) {
      return -lambda() * Math.signum(cost - target) / target;
    }
  }

  /** CE + lambda ln E (Single-Path NAS, eq. 9); the unit of E changes the loss by a constant. */
  public static final class AddLog extends Loss {
    /**
     * The form with that trade-off.
     *
     * @param lambda the trade-off to start from
     */
    public AddLog(double lambda) {
      super(lambda);
    }

    @Override
    public double loss(double crossEntropy, double cost) {
      return crossEntropy + lambda() * Math.log(cost);
    }

    @Override
    public double perCrossEntropy(double crossEntropy, double cost) {
      return 1;
    }

    @Override
    public double perCost(double crossEntropy, double cost) {
      return lambda() / cost;
    }
  }

  /**
   * alpha CE (ln E' / ln T')^beta ({@code mul#log} of the published code).
   *
   * <p>The published form takes logarithms of milliseconds and a target of 80 ms. It is undefined
   * at or below 1 ms, where budgets of small networks lie, so costs are measured in units in which
   * the target is {@code scaledTarget}: E' = E scaledTarget / T. With scaledTarget = T it is the
   * published form.
   */
  public static final class MulLog extends Loss {
    /** The published constants. */
    public static final double PUBLISHED_ALPHA = 0.2;

    /** The published target, in milliseconds. */
    public static final double PUBLISHED_TARGET = 80;

    /** Smallest E' used: keeps the logarithm positive. */
    private static final double FLOOR = Math.E;

    private final double alpha;
    private final double target;
    private final double scaledTarget;

    /**
     * The form with these constants, of which beta is the trade-off.
     *
     * @param alpha factor of the whole: {@link #PUBLISHED_ALPHA}
     * @param beta the trade-off to start from
     * @param target the cost asked for, above 0
     * @param scaledTarget what the target is in the unit that logarithms are taken of; above e
     */
    public MulLog(double alpha, double beta, double target, double scaledTarget) {
      super(beta);
      this.alpha = alpha;
      this.target = positive(target);
      this.scaledTarget = scaledTarget;
      if (!(scaledTarget > FLOOR)) {
        throw new SextantException("mul#log: scaled target " + scaledTarget + " is not above e");
      }
    }

    @Override
    public double loss(double crossEntropy, double cost) {
      return crossEntropy * perCrossEntropy(crossEntropy, cost);
    }

    @Override
    public double perCrossEntropy(double crossEntropy, double cost) {
      return alpha * Math.pow(ratio(cost), lambda());
    }

    @Override
    public double perCost(double crossEntropy, double cost) {
      double perScaled =
          crossEntropy
              * alpha
              * lambda()
              * Math.pow(ratio(cost), lambda() - 1)
              / (scaled(cost) * Math.log(scaledTarget));
      return perScaled * scaledTarget / target;
    }

    /** T, in the unit of the costs. */
    double target() {
      return target;
    }

    private double ratio(double cost) {
      return Math.log(scaled(cost)) / Math.log(scaledTarget);
    }

    private double scaled(double cost) {
      return Math.max(cost * scaledTarget / target, FLOOR);
    }
  }
}
