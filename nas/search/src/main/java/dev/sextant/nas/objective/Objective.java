package dev.sextant.nas.objective;

import dev.sextant.tensor.SextantException;

/**
 * How cross-entropy and expected cost make one loss for the architecture parameters. Costs and the
 * target have one unit, milliseconds where the cost is latency.
 */
public sealed interface Objective {
  /**
   * A loss and its partial derivatives.
   *
   * @param loss the value
   * @param perCrossEntropy its derivative with respect to the cross-entropy
   * @param perCost its derivative with respect to the expected cost
   */
  record Value(double loss, double perCrossEntropy, double perCost) {}

  /** The loss at a cross-entropy (nats) and an expected cost. */
  Value evaluate(double crossEntropy, double cost);

  /** The trade-off: lambda2, lambda or beta. */
  double strength();

  /** The same form with another trade-off. */
  Objective withStrength(double strength);

  /** CE + lambda2 E (ProxylessNAS, eq. 7; its lambda1 term is the optimizer's weight decay). */
  record Additive(double lambda2) implements Objective {
    @Override
    public Value evaluate(double crossEntropy, double cost) {
      return new Value(crossEntropy + lambda2 * cost, 1, lambda2);
    }

    @Override
    public double strength() {
      return lambda2;
    }

    @Override
    public Objective withStrength(double strength) {
      return new Additive(strength);
    }
  }

  /** CE + lambda (E / T - 1) ({@code add#linear} of the published code). */
  record AddLinear(double lambda, double target) implements Objective {
    /** Checks the target. */
    public AddLinear {
      positive(target);
    }

    @Override
    public Value evaluate(double crossEntropy, double cost) {
      return new Value(crossEntropy + lambda * (cost / target - 1), 1, lambda / target);
    }

    @Override
    public double strength() {
      return lambda;
    }

    @Override
    public Objective withStrength(double strength) {
      return new AddLinear(strength, target);
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
  record MulLog(double alpha, double beta, double target, double scaledTarget)
      implements Objective {
    /** The published constants. */
    public static final double PUBLISHED_ALPHA = 0.2;

    /** The published target, in milliseconds. */
    public static final double PUBLISHED_TARGET = 80;

    /** Smallest E' used: keeps the logarithm positive. */
    private static final double FLOOR = Math.E;

    /** Checks the targets. */
    public MulLog {
      positive(target);
      if (!(scaledTarget > FLOOR)) {
        throw new SextantException("mul#log: scaled target " + scaledTarget + " is not above e");
      }
    }

    @Override
    public Value evaluate(double crossEntropy, double cost) {
      double scaled = Math.max(cost * scaledTarget / target, FLOOR);
      double ratio = Math.log(scaled) / Math.log(scaledTarget);
      double factor = alpha * Math.pow(ratio, beta);
      double perScaled =
          crossEntropy
              * alpha
              * beta
              * Math.pow(ratio, beta - 1)
              / (scaled * Math.log(scaledTarget));
      return new Value(crossEntropy * factor, factor, perScaled * scaledTarget / target);
    }

    @Override
    public double strength() {
      return beta;
    }

    @Override
    public Objective withStrength(double strength) {
      return new MulLog(alpha, strength, target, scaledTarget);
    }
  }

  private static void positive(double target) {
    if (!(target > 0 && target < Double.POSITIVE_INFINITY)) {
      throw new SextantException("objective: target " + target + " is not positive");
    }
  }
}
