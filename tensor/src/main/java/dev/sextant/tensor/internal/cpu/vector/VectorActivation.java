package dev.sextant.tensor.internal.cpu.vector;

import dev.sextant.tensor.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Activations and their derivatives over stretches of arrays.
 *
 * <p>Identity, ReLU and ReLU6 are one form, a clamp to [{@link #low}, {@link #high}], done by
 * compare and blend: {@code FloatVector.max} must order -0 and 0 and takes five instructions. A NaN
 * stays a NaN. Loops elsewhere that clamp write the same out, for no method here or elsewhere may
 * take or return a vector ({@link VectorMath#exp} says why). Scalar tails do the arithmetic of the
 * vector loops.
 */
public final class VectorActivation {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** Elements that go through the passes of a sigmoid together, within the first-level cache. */
  private static final int CHUNK = 1024;

  /** Sigmoids of a chunk beside its elements, which a product with them still needs. */
  private static final ThreadLocal<float[]> SIGMOIDS =
      ThreadLocal.withInitial(() -> new float[CHUNK]);

  private VectorActivation() {}

  /** What the activation clamps to from below; minus infinity where it does not. */
  public static float low(Activation activation) {
    return switch (activation) {
      case RELU, RELU6 -> 0;
      case IDENTITY, HSWISH, SIGMOID, HARD_SIGMOID, SILU -> Float.NEGATIVE_INFINITY;
    };
  }

  /** What the activation clamps to from above; infinity where it does not. */
  public static float high(Activation activation) {
    return switch (activation) {
      case RELU6 -> 6;
      case IDENTITY, RELU, HSWISH, SIGMOID, HARD_SIGMOID, SILU -> Float.POSITIVE_INFINITY;
    };
  }

  /** Applies the activation in place. */
  public static void apply(float[] a, int from, int count, Activation activation) {
    if (activation != Activation.IDENTITY) {
      apply(a, from, a, from, count, activation);
    }
  }

  /** out = activation(x); out may be x. */
  public static void apply(
      float[] x, int ix, float[] out, int iout, int count, Activation activation) {
    switch (activation) {
      case IDENTITY -> System.arraycopy(x, ix, out, iout, count);
      case RELU, RELU6 -> clamp(x, ix, out, iout, count, low(activation), high(activation));
      case HSWISH -> hswish(x, ix, out, iout, count);
      case SIGMOID -> sigmoid(x, ix, out, iout, count);
      case HARD_SIGMOID -> hardSigmoid(x, ix, out, iout, count);
      case SILU -> silu(x, ix, out, iout, count);
    }
  }

  /** dx = dy activation'(x); dx may be x, but not dy. */
  public static void gradient(
      float[] x,
      int ix,
      float[] dy,
      int idy,
      float[] dx,
      int idx,
      int count,
      Activation activation) {
    switch (activation) {
      case IDENTITY -> System.arraycopy(dy, idy, dx, idx, count);
      case RELU, RELU6 ->
          clampGradient(x, ix, dy, idy, dx, idx, count, low(activation), high(activation));
      case HSWISH -> hswishGradient(x, ix, dy, idy, dx, idx, count);
      case SIGMOID -> {
        sigmoid(x, ix, dx, idx, count);
        sigmoidGradient(dy, idy, dx, idx, count);
      }
      case HARD_SIGMOID -> hardSigmoidGradient(x, ix, dy, idy, dx, idx, count);
      case SILU -> siluGradient(x, ix, dy, idy, dx, idx, count);
    }
  }

  private static void clamp(
      float[] x, int ix, float[] out, int iout, int count, float low, float high) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i);
      v = v.blend(low, v.compare(VectorOperators.LT, low));
      v.blend(high, v.compare(VectorOperators.GT, high)).intoArray(out, iout + i);
    }
    for (; i < count; i++) {
      out[iout + i] = clamp(x[ix + i], low, high);
    }
  }

  /** x clamped to [low, high]; NaN stays NaN. */
  public static float clamp(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
  }

  /** dx = dy where low &lt; x &lt; high, else 0; dx may be dy as well. */
  static void clampGradient(
      float[] x,
      int ix,
      float[] dy,
      int idy,
      float[] dx,
      int idx,
      int count,
      float low,
      float high) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i);
      VectorMask<Float> flat =
          v.compare(VectorOperators.LE, low).or(v.compare(VectorOperators.GE, high));
      FloatVector.fromArray(SPECIES, dy, idy + i).blend(0f, flat).intoArray(dx, idx + i);
    }
    for (; i < count; i++) {
      dx[idx + i] = x[ix + i] <= low || x[ix + i] >= high ? 0 : dy[idy + i];
    }
  }

  /** out = x relu6(x + 3) / 6. */
  private static void hswish(float[] x, int ix, float[] out, int iout, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i);
      FloatVector gate = v.add(3f);
      gate = gate.blend(0f, gate.compare(VectorOperators.LT, 0f));
      gate = gate.blend(6f, gate.compare(VectorOperators.GT, 6f));
      gate.mul(v).mul(1f / 6).intoArray(out, iout + i);
    }
    for (; i < count; i++) {
      out[iout + i] = clamp(x[ix + i] + 3f, 0, 6) * x[ix + i] * (1f / 6);
    }
  }

  /** dx = dy (0 for x at most -3, 1 for x at least 3, else (2 x + 3) / 6). */
  private static void hswishGradient(
      float[] x, int ix, float[] dy, int idy, float[] dx, int idx, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i);
      FloatVector slope = v.add(v).add(3f).mul(1f / 6);
      slope = slope.blend(1f, v.compare(VectorOperators.GE, 3f));
      slope = slope.blend(0f, v.compare(VectorOperators.LE, -3f));
      slope.mul(FloatVector.fromArray(SPECIES, dy, idy + i)).intoArray(dx, idx + i);
    }
    for (; i < count; i++) {
      float v = x[ix + i];
      float slope = v <= -3 ? 0 : v >= 3 ? 1 : (v + v + 3f) * (1f / 6);
      dx[idx + i] = slope * dy[idy + i];
    }
  }

  /** out = relu6(x + 3) / 6. */
  private static void hardSigmoid(float[] x, int ix, float[] out, int iout, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i).add(3f);
      v = v.blend(0f, v.compare(VectorOperators.LT, 0f));
      v = v.blend(6f, v.compare(VectorOperators.GT, 6f));
      v.mul(1f / 6).intoArray(out, iout + i);
    }
    for (; i < count; i++) {
      out[iout + i] = clamp(x[ix + i] + 3f, 0, 6) * (1f / 6);
    }
  }

  /** dx = dy / 6 for x between -3 and 3, else 0. */
  private static void hardSigmoidGradient(
      float[] x, int ix, float[] dy, int idy, float[] dx, int idx, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, ix + i);
      VectorMask<Float> flat =
          v.compare(VectorOperators.LE, -3f).or(v.compare(VectorOperators.GE, 3f));
      FloatVector slope = FloatVector.fromArray(SPECIES, dy, idy + i).mul(1f / 6);
      slope.blend(0f, flat).intoArray(dx, idx + i);
    }
    for (; i < count; i++) {
      float v = x[ix + i];
      dx[idx + i] = v <= -3 || v >= 3 ? 0 : dy[idy + i] * (1f / 6);
    }
  }

  /** out = x sigmoid(x). */
  private static void silu(float[] x, int ix, float[] out, int iout, int count) {
    float[] s = SIGMOIDS.get();
    for (int i = 0; i < count; i += CHUNK) {
      int length = Math.min(CHUNK, count - i);
      sigmoid(x, ix + i, s, 0, length);
      multiply(x, ix + i, s, out, iout + i, length);
    }
  }

  private static void multiply(float[] x, int ix, float[] s, float[] out, int iout, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, s, i)
          .mul(FloatVector.fromArray(SPECIES, x, ix + i))
          .intoArray(out, iout + i);
    }
    for (; i < count; i++) {
      out[iout + i] = s[i] * x[ix + i];
    }
  }

  /** dx = dy s (1 + x (1 - s)) with s = sigmoid(x). */
  private static void siluGradient(
      float[] x, int ix, float[] dy, int idy, float[] dx, int idx, int count) {
    float[] s = SIGMOIDS.get();
    for (int i = 0; i < count; i += CHUNK) {
      int length = Math.min(CHUNK, count - i);
      sigmoid(x, ix + i, s, 0, length);
      siluGradient(x, ix + i, s, dy, idy + i, dx, idx + i, length);
    }
  }

  private static void siluGradient(
      float[] x, int ix, float[] s, float[] dy, int idy, float[] dx, int idx, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, s, i);
      FloatVector.broadcast(SPECIES, 1f)
          .sub(v)
          .mul(FloatVector.fromArray(SPECIES, x, ix + i))
          .add(1f)
          .mul(v)
          .mul(FloatVector.fromArray(SPECIES, dy, idy + i))
          .intoArray(dx, idx + i);
    }
    for (; i < count; i++) {
      dx[idx + i] = ((1f - s[i]) * x[ix + i] + 1f) * s[i] * dy[idy + i];
    }
  }

  /** out = 1 / (1 + exp(-x)). */
  private static void sigmoid(float[] x, int ix, float[] out, int iout, int count) {
    for (int i = 0; i < count; i += CHUNK) {
      int length = Math.min(CHUNK, count - i);
      negate(x, ix + i, out, iout + i, length);
      VectorMath.exp(out, iout + i, length);
      inverseOfOneMore(out, iout + i, length);
    }
  }

  private static void negate(float[] x, int ix, float[] out, int iout, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, x, ix + i).neg().intoArray(out, iout + i);
    }
    for (; i < count; i++) {
      out[iout + i] = -x[ix + i];
    }
  }

  /** a = 1 / (1 + a). */
  private static void inverseOfOneMore(float[] a, int from, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, a, from + i).add(1f);
      FloatVector.broadcast(SPECIES, 1f).div(v).intoArray(a, from + i);
    }
    for (; i < count; i++) {
      a[from + i] = 1f / (a[from + i] + 1f);
    }
  }

  /** s = s (1 - s) dy. */
  private static void sigmoidGradient(float[] dy, int idy, float[] s, int is, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, s, is + i);
      FloatVector.broadcast(SPECIES, 1f)
          .sub(v)
          .mul(v)
          .mul(FloatVector.fromArray(SPECIES, dy, idy + i))
          .intoArray(s, is + i);
    }
    for (; i < count; i++) {
      s[is + i] = (1f - s[is + i]) * s[is + i] * dy[idy + i];
    }
  }
}
