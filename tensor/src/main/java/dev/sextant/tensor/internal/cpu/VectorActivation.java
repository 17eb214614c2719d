package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Activations and their derivatives on vectors.
 *
 * <p>Identity, ReLU and ReLU6 are one form, a clamp to [{@link #low}, {@link #high}], done by
 * compare and blend: {@code FloatVector.max} must order -0 and 0 and takes five instructions. A NaN
 * stays a NaN.
 */
final class VectorActivation {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  private VectorActivation() {}

  /** What the activation clamps to from below; minus infinity where it does not. */
  static float low(Activation activation) {
    return switch (activation) {
      case RELU, RELU6 -> 0;
      case IDENTITY, HSWISH, SIGMOID -> Float.NEGATIVE_INFINITY;
    };
  }

  /** What the activation clamps to from above; infinity where it does not. */
  static float high(Activation activation) {
    return switch (activation) {
      case RELU6 -> 6;
      case IDENTITY, RELU, HSWISH, SIGMOID -> Float.POSITIVE_INFINITY;
    };
  }

  /** Whether the activation is its clamp and nothing else. */
  static boolean isClamp(Activation activation) {
    return switch (activation) {
      case IDENTITY, RELU, RELU6 -> true;
      case HSWISH, SIGMOID -> false;
    };
  }

  /** x clamped to [low, high]. */
  static FloatVector clamp(FloatVector x, float low, float high) {
    FloatVector raised = x.blend(low, x.compare(VectorOperators.LT, low));
    return raised.blend(high, raised.compare(VectorOperators.GT, high));
  }

  /** x relu6(x + 3) / 6. */
  static FloatVector hswish(FloatVector x) {
    return clamp(x.add(3f), 0f, 6f).mul(x).mul(1f / 6);
  }

  /** 1 / (1 + exp(-x)). */
  static FloatVector sigmoid(FloatVector x) {
    return VectorMath.sigmoid(x);
  }

  /** dy where low &lt; x &lt; high, else 0: dy times the derivative of the clamp. */
  static FloatVector clampGradient(FloatVector x, FloatVector dy, float low, float high) {
    VectorMask<Float> below = x.compare(VectorOperators.LE, low);
    VectorMask<Float> above = x.compare(VectorOperators.GE, high);
    return dy.blend(0f, below.or(above));
  }

  /** dy times the derivative of {@link #hswish}. */
  static FloatVector hswishGradient(FloatVector x, FloatVector dy) {
    FloatVector slope = x.add(x).add(3f).mul(1f / 6);
    FloatVector right = slope.blend(1f, x.compare(VectorOperators.GE, 3f));
    return right.blend(0f, x.compare(VectorOperators.LE, -3f)).mul(dy);
  }

  /** dy times the derivative of {@link #sigmoid}. */
  static FloatVector sigmoidGradient(FloatVector x, FloatVector dy) {
    FloatVector s = sigmoid(x);
    return FloatVector.broadcast(SPECIES, 1f).sub(s).mul(s).mul(dy);
  }

  /** Turns pre-activations x and dy, in that order, into dy times the derivative, in place of x. */
  static void gradient(float[] a, int x, int dy, int count, Activation activation) {
    switch (activation) {
      case HSWISH -> {
        for (int i = 0; i < count; i += SPECIES.length()) {
          FloatVector g = FloatVector.fromArray(SPECIES, a, dy + i);
          hswishGradient(FloatVector.fromArray(SPECIES, a, x + i), g).intoArray(a, x + i);
        }
      }
      case SIGMOID -> sigmoidGradients(a, x, dy, count);
      case IDENTITY, RELU, RELU6 -> {
        float low = low(activation);
        float high = high(activation);
        for (int i = 0; i < count; i += SPECIES.length()) {
          FloatVector g = FloatVector.fromArray(SPECIES, a, dy + i);
          clampGradient(FloatVector.fromArray(SPECIES, a, x + i), g, low, high).intoArray(a, x + i);
        }
      }
    }
  }

  /** Applies the activation in place to a range; {@code count} is a multiple of the lanes. */
  static void apply(float[] a, int from, int count, Activation activation) {
    switch (activation) {
      case HSWISH -> {
        for (int i = 0; i < count; i += SPECIES.length()) {
          hswish(FloatVector.fromArray(SPECIES, a, from + i)).intoArray(a, from + i);
        }
      }
      case SIGMOID -> sigmoids(a, from, count);
      case IDENTITY, RELU, RELU6 -> {
        float low = low(activation);
        float high = high(activation);
        for (int i = 0; i < count; i += SPECIES.length()) {
          clamp(FloatVector.fromArray(SPECIES, a, from + i), low, high).intoArray(a, from + i);
        }
      }
    }
  }

  // Methods of their own: compiled where the others' profiles do not count, or their vectors box.

  private static void sigmoids(float[] a, int from, int count) {
    for (int i = 0; i < count; i += SPECIES.length()) {
      sigmoid(FloatVector.fromArray(SPECIES, a, from + i)).intoArray(a, from + i);
    }
  }

  private static void sigmoidGradients(float[] a, int x, int dy, int count) {
    for (int i = 0; i < count; i += SPECIES.length()) {
      FloatVector g = FloatVector.fromArray(SPECIES, a, dy + i);
      sigmoidGradient(FloatVector.fromArray(SPECIES, a, x + i), g).intoArray(a, x + i);
    }
  }
}
