package dev.sextant.autograd;

import dev.sextant.tensor.Tensor;

/**
 * A trainable tensor that outlives the tape. Its gradient, where a step gave it one, stays until
 * {@link #clearGradient}; a parameter that no active path used has none, and optimizers pass over
 * it.
 */
public final class Parameter extends Variable {
  /** What a parameter is for; decides whether weight decay applies to it. */
  public enum Role {
    /** Weights of a convolution or a linear layer. */
    KERNEL,
    /** Added after a kernel. */
    BIAS,
    /** Scale or offset of a batch norm. */
    NORM
  }

  private final Role role;
  private boolean frozen;

  /**
   * A parameter that owns its value, which must have been taken out of any scope ({@link
   * dev.sextant.tensor.Memory#keep}).
   *
   * @param value of this parameter from now on
   * @param role which decides on decay and who trains it
   */
  public Parameter(Tensor value, Role role) {
    super("parameter", value, true, null);
    this.role = role;
  }

  /** {@return what it is for} */
  public Role role() {
    return role;
  }

  /** {@return whether backward passes leave it out} */
  public boolean isFrozen() {
    return frozen;
  }

  /**
   * Leaves it out of backward passes from now on, or takes it in again.
   *
   * @param frozen whether to leave it out
   */
  public void setFrozen(boolean frozen) {
    this.frozen = frozen;
  }

  @Override
  public boolean requiresGradient() {
    return !frozen;
  }

  /** Not for parameters: their value stays. */
  @Override
  public void release() {}

  /**
   * Sets a gradient that was computed beside the tape.
   *
   * @param gradient of the parameter's shape, taken out of any scope; owned by the parameter
   */
  public void acceptGradient(Tensor gradient) {
    clearGradient();
    setGradient(gradient);
  }

  /** Gives the gradient's memory back. */
  public void clearGradient() {
    Tensor held = gradient();
    if (held != null) {
      held.close();
      setGradient(null);
    }
  }
}
