package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * The weight steps of a search. Published ImageNet values of ProxylessNAS in parentheses.
 *
 * @param warmupEpochs of weight steps alone (40)
 * @param warmupRate learning rate of the warm-up, cosine to 0 per batch (0.05)
 * @param epochs of the joint phase (120)
 * @param rate learning rate of the joint phase, cosine to {@code lastRate} per batch (0.025)
 * @param lastRate what the weights' rate falls to (0; DARTS: 0.001)
 * @param oneCosine whether one cosine from {@code rate} goes through both phases, after linear
 *     growth in the first 2.5 % of the steps (TuNAS); {@code warmupRate} then has no part
 * @param optimizer of the weights
 */
public record WeightSteps(
    int warmupEpochs,
    double warmupRate,
    int epochs,
    double rate,
    double lastRate,
    boolean oneCosine,
    Optimizer optimizer) {
  /** Epochs of weight steps alone. */
  public static final int WARMUP_EPOCHS = 3;

  /** Epochs of the joint phase. */
  public static final int EPOCHS = 6;

  /** The rate at the beginning of either phase. */
  public static final double RATE = 0.1;

  /** What suits small images and minutes. */
  public static final WeightSteps DEFAULT =
      new WeightSteps(WARMUP_EPOCHS, RATE, EPOCHS, RATE, 0, false, Optimizer.SGD);

  /** What moves the weights. */
  public enum Optimizer {
    /** Nesterov momentum (ProxylessNAS). */
    SGD,
    /** RMSProp with momentum (TuNAS). */
    RMSPROP;

    /** As the command line has it. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks every number. */
  public WeightSteps {
    Bounds.atLeast("warmup-epochs", warmupEpochs, 0);
    Bounds.atLeast("epochs", epochs, 1);
    Bounds.within("warmup-rate", warmupRate, 0, 100);
    Bounds.within("rate", rate, 0, 100);
    Bounds.within("last-rate", lastRate, 0, 100);
    if (optimizer == null) {
      throw new SextantException("optimizer is not one of those there are");
    }
  }

  /**
   * {@return the same for another time}
   *
   * @param otherWarmup epochs of weight steps alone
   * @param other joint epochs
   */
  public WeightSteps withEpochs(int otherWarmup, int other) {
    return new WeightSteps(otherWarmup, warmupRate, other, rate, lastRate, oneCosine, optimizer);
  }

  /**
   * {@return the same at other rates}
   *
   * @param otherWarmup learning rate of the warm-up
   * @param other learning rate at the beginning of the joint epochs
   * @param otherLast learning rate at their end
   */
  public WeightSteps withRates(double otherWarmup, double other, double otherLast) {
    return new WeightSteps(
        warmupEpochs, otherWarmup, epochs, other, otherLast, oneCosine, optimizer);
  }

  /**
   * {@return the same with one cosine, or two}
   *
   * @param other whether one cosine spans warm-up and joint epochs
   */
  public WeightSteps withOneCosine(boolean other) {
    return new WeightSteps(warmupEpochs, warmupRate, epochs, rate, lastRate, other, optimizer);
  }

  /**
   * {@return the same by another optimizer}
   *
   * @param other of the supernet's weights
   */
  public WeightSteps withOptimizer(Optimizer other) {
    return new WeightSteps(warmupEpochs, warmupRate, epochs, rate, lastRate, oneCosine, other);
  }
}
