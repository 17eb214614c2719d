package dev.sextant.kernels.ptx;

import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.tensor.Activation;
import java.util.Locale;

/** Activations and their derivatives, one element at a time; NaN stays NaN. */
public final class Activations {
  private static final float LOG2_E = (float) (1 / Math.log(2));

  private Activations() {}

  /** Part of a kernel's name: nothing for the identity. */
  public static String suffix(Activation activation) {
    return activation == Activation.IDENTITY
        ? ""
        : "_" + activation.name().toLowerCase(Locale.ROOT);
  }

  /** activation(x). */
  public static F32 apply(Assembler k, Activation activation, F32 x) {
    return switch (activation) {
      case IDENTITY -> x;
      case RELU -> atLeastZero(k, x);
      case RELU6 -> atMostSix(k, atLeastZero(k, x));
      case HSWISH ->
          k.multiply(
              x, k.multiply(atMostSix(k, atLeastZero(k, shifted(k, x))), k.constant(1 / 6f)));
      case SIGMOID -> {
        // 1 / (1 + 2^(-x log2 e))
        F32 power = k.exp2(k.multiply(x, k.constant(-LOG2_E)));
        yield k.divide(k.constant(1f), k.add(power, k.constant(1f)));
      }
      case HARD_SIGMOID ->
          k.multiply(atMostSix(k, atLeastZero(k, shifted(k, x))), k.constant(1 / 6f));
      case SILU -> k.multiply(x, apply(k, Activation.SIGMOID, x));
    };
  }

  /** dy activation'(x); at a kink, the derivative of the flat side. */
  public static F32 backward(Assembler k, Activation activation, F32 x, F32 dy) {
    F32 zero = k.constant(0f);
    return switch (activation) {
      case IDENTITY -> dy;
      case RELU -> k.select(k.greater(x, zero), dy, zero);
      case RELU6 -> k.select(k.and(k.greater(x, zero), k.less(x, k.constant(6f))), dy, zero);
      case HSWISH -> {
        // (2 x + 3) / 6 between the kinks at -3 and 3
        F32 slope = k.fma(x, k.constant(1 / 3f), k.constant(0.5f));
        F32 below = k.select(k.less(x, k.constant(3f)), slope, k.constant(1f));
        yield k.multiply(dy, k.select(k.greater(x, k.constant(-3f)), below, zero));
      }
      case SIGMOID -> {
        F32 s = apply(k, activation, x);
        yield k.multiply(dy, k.multiply(s, k.subtract(k.constant(1f), s)));
      }
      case HARD_SIGMOID ->
          k.select(
              k.and(k.greater(x, k.constant(-3f)), k.less(x, k.constant(3f))),
              k.multiply(dy, k.constant(1 / 6f)),
              zero);
      case SILU -> {
        // s (1 + x (1 - s))
        F32 s = apply(k, Activation.SIGMOID, x);
        F32 one = k.constant(1f);
        yield k.multiply(dy, k.multiply(s, k.fma(x, k.subtract(one, s), one)));
      }
    };
  }

  private static F32 shifted(Assembler k, F32 x) {
    return k.add(x, k.constant(3f));
  }

  private static F32 atLeastZero(Assembler k, F32 x) {
    return k.select(k.less(x, k.constant(0f)), k.constant(0f), x);
  }

  private static F32 atMostSix(Assembler k, F32 x) {
    return k.select(k.greater(x, k.constant(6f)), k.constant(6f), x);
  }
}
