package dev.sextant.nas.policy;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.tensor.SextantException;

/**
 * The numbers of architecture steps. Published ImageNet values of ProxylessNAS in parentheses.
 *
 * @param delayEpochs joint epochs before the first of them (1)
 * @param interval weight steps to one architecture step (5); thresholds learn in all
 * @param rate of the optimizer of the architecture parameters (0.001; CIFAR-10: 0.006)
 * @param growth by what that rate has grown, exponentially, at the end of the joint phase (1;
 *     TuNAS: 10)
 * @param samples networks in one step of REINFORCE (10; TuNAS: one on each of 32 cores), or those
 *     an expected latency of cells is taken over (20)
 * @param gates how gates' gradients are found
 * @param secondOrder whether the gradient of mixtures looks a weight step ahead (DARTS: both)
 */
public record ArchitectureSteps(
    int delayEpochs,
    int interval,
    double rate,
    double growth,
    int samples,
    GateMode gates,
    boolean secondOrder) {
  /** Weight steps to one architecture step, where nothing else is given. */
  public static final int INTERVAL = 2;

  /** The rate, for alphas. */
  public static final double RATE = 0.02;

  /** That of thresholds, which are compared with norms of about 0.3 and learn in every step. */
  public static final double THRESHOLD_RATE = 0.005;

  /** How far TuNAS's controller raises its rate. */
  public static final double CONTROLLER_GROWTH = 10;

  /** Networks in a step of REINFORCE. */
  public static final int SAMPLES = 4;

  /** Networks that an expected latency of cells is taken over. */
  public static final int CELL_SAMPLES = 20;

  /** What suits small images and minutes. */
  public static final ArchitectureSteps DEFAULT =
      new ArchitectureSteps(0, INTERVAL, RATE, 1, SAMPLES, GateMode.RECOMPUTE, false);

  /** Checks every number. */
  public ArchitectureSteps {
    Bounds.atLeast("quiet-epochs", delayEpochs, 0);
    Bounds.atLeast("architecture-interval", interval, 1);
    Bounds.within("architecture-rate", rate, 0, 100);
    Bounds.within("architecture-growth", growth, 0.001, 1000);
    Bounds.atLeast("samples", samples, 1);
    if (gates == null) {
      throw new SextantException("gates is not one of those there are");
    }
  }

  /**
   * {@return the same after so many joint epochs}
   *
   * @param other joint epochs before the first step, at least 0
   */
  public ArchitectureSteps withDelayEpochs(int other) {
    return new ArchitectureSteps(other, interval, rate, growth, samples, gates, secondOrder);
  }

  /**
   * {@return the same after every so many weight steps}
   *
   * @param other weight steps to one architecture step, at least 1
   */
  public ArchitectureSteps withInterval(int other) {
    return new ArchitectureSteps(delayEpochs, other, rate, growth, samples, gates, secondOrder);
  }

  /**
   * {@return the same at another rate}
   *
   * @param other learning rate
   */
  public ArchitectureSteps withRate(double other) {
    return new ArchitectureSteps(delayEpochs, interval, other, growth, samples, gates, secondOrder);
  }

  /**
   * {@return the same at a rate that grows otherwise}
   *
   * @param other how many times the rate it is at the end
   */
  public ArchitectureSteps withGrowth(double other) {
    return new ArchitectureSteps(delayEpochs, interval, rate, other, samples, gates, secondOrder);
  }

  /**
   * {@return the same with so many networks}
   *
   * @param other networks in a step, at least 1
   */
  public ArchitectureSteps withSamples(int other) {
    return new ArchitectureSteps(delayEpochs, interval, rate, growth, other, gates, secondOrder);
  }

  /**
   * {@return the same with gates' gradients found otherwise}
   *
   * @param other how gates' gradients are found
   */
  public ArchitectureSteps withGates(GateMode other) {
    return new ArchitectureSteps(delayEpochs, interval, rate, growth, samples, other, secondOrder);
  }

  /**
   * {@return the same of second or first order}
   *
   * @param other whether the gradient looks a weight step ahead
   */
  public ArchitectureSteps withSecondOrder(boolean other) {
    return new ArchitectureSteps(delayEpochs, interval, rate, growth, samples, gates, other);
  }
}
