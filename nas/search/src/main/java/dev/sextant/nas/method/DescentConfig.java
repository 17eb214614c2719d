package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;

/**
 * How weights follow their gradients. Published ImageNet values in parentheses.
 *
 * @param momentum Nesterov momentum (0.9)
 * @param weightDecay L2, in a search on all parameters (4e-5), in training single networks on
 *     kernels only
 * @param clip most that the norm of all gradients may be; 0 for no limit (DARTS: 5)
 */
public record DescentConfig(double momentum, double weightDecay, double clip) {
  /** Nesterov momentum. */
  public static final double MOMENTUM = 0.9;

  /** L2. */
  public static final double WEIGHT_DECAY = 4e-5;

  /** The limit of the gradients' norm for cells. */
  public static final double CELL_CLIP = 5;

  /** Without a limit of the gradients' norm. */
  public static final DescentConfig DEFAULT = new DescentConfig(MOMENTUM, WEIGHT_DECAY, 0);

  /** Checks every number. */
  public DescentConfig {
    Bounds.within("momentum", momentum, 0, 0.9999);
    Bounds.within("weight-decay", weightDecay, 0, 1);
    Bounds.within("clip", clip, 0, 1e9);
  }

  /**
   * {@return the same with another limit}
   *
   * @param other largest norm of the gradient; 0 for no limit
   */
  public DescentConfig withClip(double other) {
    return new DescentConfig(momentum, weightDecay, other);
  }
}
