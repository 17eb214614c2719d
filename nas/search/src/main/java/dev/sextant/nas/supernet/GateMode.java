package dev.sextant.nas.supernet;

/**
 * How an architecture step gets the gradients of binary gates (ProxylessNAS, section 3.2.1 and
 * Appendix D; names as in its published code in parentheses).
 */
public enum GateMode {
  /**
   * One path active; every other candidate is computed again in the backward pass, one at a time,
   * for its inner product with the output's gradient (Appendix D; full_v2). Memory of one path.
   */
  RECOMPUTE,
  /**
   * Two paths drawn without replacement, one of them active; only their architecture parameters
   * change, rescaled so that all other probabilities stay (section 3.2.1; two). Memory of one path
   * and one more output.
   */
  TWO_PATH,
  /** The output of every candidate is computed and kept in the forward pass (eq. 4; full). */
  ALL_PATHS
}
