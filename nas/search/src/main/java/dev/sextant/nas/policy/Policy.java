package dev.sextant.nas.policy;

import dev.sextant.nas.objective.Objective;

/**
 * Who picks candidates, and how it learns. Everything it needs to continue is in {@link #alphas},
 * {@link #state} and the generator given to it. Confined to the thread of its supernet.
 */
public interface Policy extends AutoCloseable {
  /**
   * Draws what the next weight step trains and sets the supernet to it.
   *
   * @param cold share of the warm-up that is still to come: 1 at the first step, 0 after it
   */
  void sample(double cold);

  /**
   * One architecture step.
   *
   * @param rate of the optimizer of the architecture parameters; at 0 the step still informs
   *     moments and baselines
   */
  void learn(HeldOut images, double rate);

  /** The architecture parameters with their optimizer. */
  Alphas alphas();

  /** Probabilities of the options of each of the space's decisions. */
  double[][] probabilities();

  /**
   * What to derive a network by: the options' probabilities, but for those of factors that would
   * not count (see {@link dev.sextant.nas.space.Factoring#preferences}).
   */
  double[][] preferences();

  /** Mean entropy of the independent factors, in nats. */
  default double meanEntropy() {
    return alphas().meanEntropy();
  }

  /** Expected cost of the networks it draws. */
  double expectedCost();

  /** The objective with the trade-off in force. */
  Objective objective();

  /** What the next step depends on besides alphas and generators, for a checkpoint. */
  double[] state();

  /** Continues from a checkpoint. */
  void restore(double[] saved);

  /** Frees alphas and moments. Idempotent. */
  @Override
  void close();
}
