package dev.sextant.tensor;

/** Pointwise non-linearities, applied on their own or fused into other kernels. */
public enum Activation {
  /** y = x. */
  IDENTITY,
  /** y = max(x, 0). */
  RELU,
  /** y = min(max(x, 0), 6). */
  RELU6,
  /** y = x * relu6(x + 3) / 6, also known as swish6. */
  HSWISH,
  /** y = 1 / (1 + exp(-x)). */
  SIGMOID,
  /** y = relu6(x + 3) / 6, as in the gates of MobileNetV3. */
  HARD_SIGMOID,
  /** y = x / (1 + exp(-x)), also known as swish. */
  SILU;

  /** {@return whether it is a clamp to a range, or nothing} */
  public boolean clamps() {
    return switch (this) {
      case IDENTITY, RELU, RELU6 -> true;
      case HSWISH, SIGMOID, HARD_SIGMOID, SILU -> false;
    };
  }

  /**
   * {@return the value at {@code x}}
   *
   * @param x the pre-activation
   */
  public double apply(double x) {
    return switch (this) {
      case IDENTITY -> x;
      case RELU -> Math.max(x, 0);
      case RELU6 -> Math.min(Math.max(x, 0), 6);
      case HSWISH -> x * Math.min(Math.max(x + 3, 0), 6) / 6;
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case HARD_SIGMOID -> Math.min(Math.max(x + 3, 0), 6) / 6;
      case SILU -> x / (1 + Math.exp(-x));
    };
  }

  /**
   * {@return the derivative at {@code x}; at a kink, the one of the flat side}
   *
   * @param x the pre-activation
   */
  public double derivative(double x) {
    return switch (this) {
      case IDENTITY -> 1;
      case RELU -> x > 0 ? 1 : 0;
      case RELU6 -> x > 0 && x < 6 ? 1 : 0;
      case HSWISH -> x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
      case SIGMOID -> {
        double s = 1 / (1 + Math.exp(-x));
        yield s * (1 - s);
      }
      case HARD_SIGMOID -> x > -3 && x < 3 ? 1 / 6.0 : 0;
      case SILU -> {
        double s = 1 / (1 + Math.exp(-x));
        yield s * (1 + x * (1 - s));
      }
    };
  }
}
