package dev.sextant.nas.objective;

/**
 * An objective of accuracy Q, which has no gradient, and cost T against a target T0: what REINFORCE
 * maximises. Its trade-off beta is at most 0 where cost is to be paid for.
 */
public abstract sealed class Reward extends Objective {
  final double target;

  private Reward(double beta, double target) {
    super(beta);
    this.target = positive(target);
  }

  /** A reward from outside: the open case, with the same rules as the others. */
  public abstract static non-sealed class Provided extends Reward {
    /**
     * A reward with that trade-off.
     *
     * @param beta the trade-off to start from, at most 0
     * @param target the cost asked for, above 0, in the unit of the costs
     * @throws dev.sextant.tensor.SextantException if the target is not positive
     */
    protected Provided(double beta, double target) {
      super(beta, target);
    }

    /** {@return the cost asked for, in the unit of the costs} */
    protected final double target() {
      return target;
    }
  }

  /** Q + beta |T / T0 - 1| (TuNAS): missing the target costs on either side. */
  public static final class Absolute extends Reward {
    /**
     * The reward with that trade-off and target.
     *
     * @param beta the trade-off to start from, at most 0
     * @param target the cost asked for, above 0, in the unit of the costs
     */
    public Absolute(double beta, double target) {
      super(beta, target);
    }

    @Override
    public double reward(Outcome outcome, double cost) {
      return outcome.accuracy() + lambda() * Math.abs(cost / target - 1);
    }
  }

  /** Q (T / T0)^beta (MnasNet's soft reward; ProxylessNAS-R with beta = -w). */
  public static final class Soft extends Reward {
    /**
     * The reward with that trade-off and target.
     *
     * @param beta the trade-off to start from, at most 0
     * @param target the cost asked for, above 0, in the unit of the costs
     */
    public Soft(double beta, double target) {
      super(beta, target);
    }

    @Override
    public double reward(Outcome outcome, double cost) {
      return outcome.accuracy() * Math.pow(cost / target, lambda());
    }
  }

  /** Q min((T / T0)^beta, 1) (MnasNet's hard reward): nothing is gained below the target. */
  public static final class Hard extends Reward {
    /**
     * The reward with that trade-off and target.
     *
     * @param beta the trade-off to start from, at most 0
     * @param target the cost asked for, above 0, in the unit of the costs
     */
    public Hard(double beta, double target) {
      super(beta, target);
    }

    @Override
    public double reward(Outcome outcome, double cost) {
      return outcome.accuracy() * Math.min(Math.pow(cost / target, lambda()), 1);
    }
  }
}
