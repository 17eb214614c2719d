package dev.sextant.nas.policy;

/** When a policy learns. */
public enum LearningTurn {
  /** After a weight step, on held-out images, from the joint phase on (ProxylessNAS). */
  AFTER_WEIGHTS,
  /**
   * The same from the first step on, at a rate of 0 until the warm-up ends, so that baseline and
   * moments are there when it begins to learn (TuNAS).
   */
  AFTER_WEIGHTS_IN_WARMUP_TOO,
  /**
   * Before a weight step, to which it may look ahead; the supernet stays the mixture that the
   * policy makes it, in evaluation too (DARTS).
   */
  BEFORE_WEIGHTS,
  /** In the weight steps, by the same images (Single-Path NAS): {@link Policy#learnWithWeights}. */
  WITH_WEIGHTS
}
