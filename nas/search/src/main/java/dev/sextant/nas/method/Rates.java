package dev.sextant.nas.method;

import dev.sextant.autograd.optim.Schedule;
import dev.sextant.nas.policy.ArchitectureSteps;

/** The learning rates of a search, step by step. Immutable. */
public final class Rates {
  /** Share of the steps in which the rate of one cosine grows (TuNAS, Appendix E.1). */
  private static final double GROWING = 0.025;

  private final long warmupSteps;
  private final long jointSteps;
  private final boolean oneCosine;
  private final Schedule warmup;
  private final Schedule joint;
  private final Schedule whole;
  private final Schedule architecture;

  /**
   * The rates of a search.
   *
   * @param config of the search
   * @param warmupSteps weight steps before the joint ones
   * @param jointSteps weight steps in which the architecture is learnt too
   */
  public Rates(SearchConfig config, long warmupSteps, long jointSteps) {
    this.warmupSteps = warmupSteps;
    this.jointSteps = jointSteps;
    WeightSteps weights = config.weights();
    ArchitectureSteps steps = config.architecture();
    oneCosine = weights.oneCosine() || config.recipe().hasCells();
    warmup = new Schedule.Cosine(weights.warmupRate(), 0);
    joint = new Schedule.Cosine(weights.rate(), weights.lastRate());
    long growing = weights.oneCosine() ? (long) (GROWING * (warmupSteps + jointSteps)) : 0;
    whole = new Schedule.WarmUp(growing, joint);
    architecture = new Schedule.Exponential(steps.rate(), steps.growth());
  }

  /**
   * {@return that of the weights: one cosine through both phases, as with cells, or one for each}
   *
   * @param step from 0
   */
  public double weights(long step) {
    if (oneCosine) {
      return whole.rate(step, warmupSteps + jointSteps);
    }
    return step < warmupSteps
        ? warmup.rate(step, warmupSteps)
        : joint.rate(step - warmupSteps, jointSteps);
  }

  /**
   * {@return that of the architecture parameters: 0 in the warm-up}
   *
   * @param step from 0
   */
  public double architecture(long step) {
    return step < warmupSteps ? 0 : architecture.rate(step - warmupSteps, jointSteps);
  }
}
