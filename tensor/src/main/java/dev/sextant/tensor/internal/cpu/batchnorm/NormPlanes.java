package dev.sextant.tensor.internal.cpu.batchnorm;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import java.util.Arrays;

/**
 * A batch norm as the vector loops of {@link BatchNormRows} read it: per-channel constants repeated
 * to the width of a row of {@link ChannelRows}, in planes. Applied to stretches that begin with
 * channel 0. Set before a team runs and only read by the workers.
 */
public final class NormPlanes {
  /** The plane of the mean, or of an estimate of it. */
  static final int MEAN = 0;

  /** The plane of gamma / sqrt(variance + epsilon). */
  static final int SCALE = 1;

  /** The plane of beta. */
  static final int BETA = 2;

  /** The plane of what z - mean is multiplied by in dz. */
  static final int SLOPE = 3;

  /** The plane of what is subtracted in dz. */
  static final int OFFSET = 4;

  private static final int PLANES = 5;
  private static final float[] NONE = {};

  public final ChannelRows rows = new ChannelRows();
  float[] work = NONE;
  int constants;
  private Activation activation = Activation.IDENTITY;

  /** Views tensors of that many channels; {@link #size} is known from then on. */
  public void view(int channels) {
    rows.view(channels);
  }

  /** Floats that the planes take. */
  public int size() {
    return PLANES * rows.stride;
  }

  /** Where the planes are. */
  public void at(float[] array, int offset) {
    work = array;
    constants = offset;
  }

  /** Forgets the array. */
  public void clear() {
    work = NONE;
  }

  /** Takes the constants that {@link #apply} and {@link #mask} need. */
  public void set(BatchNorm norm) {
    mean(norm.mean().floats(), norm.mean().offset());
    plane(BETA, norm.beta().floats(), norm.beta().offset());
    int scale = constants + SCALE * rows.stride;
    for (int c = 0; c < rows.channels; c++) {
      work[scale + c] = (float) (at(norm.gamma(), c) * inverse(norm, c));
    }
    repeat(SCALE);
    activation = norm.activation();
  }

  /**
   * Takes the constants that {@link #gradient} needs as well: dz = scale (g - mean of g - xhat mean
   * of g xhat), with xhat = (z - mean) / deviation.
   *
   * @param count values to a channel
   */
  public void set(BatchNorm norm, Tensor dgamma, Tensor dbeta, int count) {
    set(norm);
    int slope = constants + SLOPE * rows.stride;
    int offset = constants + OFFSET * rows.stride;
    for (int c = 0; c < rows.channels; c++) {
      double inverse = inverse(norm, c);
      double scale = at(norm.gamma(), c) * inverse / Math.max(1, count);
      work[slope + c] = (float) (scale * inverse * at(dgamma, c));
      work[offset + c] = (float) (scale * at(dbeta, c));
    }
    repeat(SLOPE);
    repeat(OFFSET);
  }

  /** Takes means alone: {@link #apply} is then z - mean. */
  public void difference(float[] values, int from) {
    mean(values, from);
    Arrays.fill(work, constants + SCALE * rows.stride, constants + BETA * rows.stride, 1f);
    Arrays.fill(work, constants + BETA * rows.stride, constants + SLOPE * rows.stride, 0f);
    activation = Activation.IDENTITY;
  }

  /** Takes per-channel means, or estimates of them. */
  public void mean(float[] values, int from) {
    plane(MEAN, values, from);
  }

  /** 1 / sqrt(variance + epsilon) of a channel. */
  public static double inverse(BatchNorm norm, int channel) {
    return 1 / Math.sqrt(at(norm.variance(), channel) + norm.epsilon());
  }

  private static double at(Tensor tensor, int index) {
    return tensor.floats()[tensor.offset() + index];
  }

  private void plane(int plane, float[] values, int from) {
    System.arraycopy(values, from, work, constants + plane * rows.stride, rows.channels);
    repeat(plane);
  }

  /** Repeats the first channels of a plane to its width. */
  private void repeat(int plane) {
    int at = constants + plane * rows.stride;
    for (int base = rows.channels; base < rows.width; base += rows.channels) {
      System.arraycopy(work, at, work, at + base, rows.channels);
    }
    Arrays.fill(work, at + rows.width, at + rows.stride, 0f);
  }

  /** out = activation(norm(z)); out may be z. */
  public void apply(float[] z, int iz, float[] out, int iout, int elements) {
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    boolean clamps = activation.clamps();
    for (int i = 0; i < elements; i += rows.width) {
      int width = Math.min(rows.width, elements - i);
      BatchNormRows.apply(z, iz + i, out, iout + i, width, work, constants, rows.stride, low, high);
      if (!clamps) {
        VectorActivation.apply(out, iout + i, width, activation);
      }
    }
  }

  /** out = activation(norm(z)) + residual; out may be either. Scratch holds a row. */
  void applyResidual(
      float[] z,
      int iz,
      float[] residual,
      int iresidual,
      float[] out,
      int iout,
      int elements,
      int scratch) {
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    boolean clamps = activation.clamps();
    for (int i = 0; i < elements; i += rows.width) {
      int width = Math.min(rows.width, elements - i);
      if (clamps) {
        BatchNormRows.applyResidual(
            z,
            iz + i,
            residual,
            iresidual + i,
            out,
            iout + i,
            width,
            work,
            constants,
            rows.stride,
            low,
            high);
      } else {
        apply(z, iz + i, work, scratch, width);
        VectorMath.add(work, scratch, residual, iresidual + i, out, iout + i, width);
      }
    }
  }

  /** g = dy activation'(norm(z)); g may be dy. Scratch holds a row. */
  public void mask(
      float[] z, int iz, float[] dy, int idy, float[] g, int ig, int elements, int scratch) {
    if (activation == Activation.IDENTITY) {
      if (g != dy || ig != idy) {
        System.arraycopy(dy, idy, g, ig, elements);
      }
      return;
    }
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    boolean clamps = activation.clamps();
    for (int i = 0; i < elements; i += rows.width) {
      int width = Math.min(rows.width, elements - i);
      if (clamps) {
        BatchNormRows.clampGradient(
            z, iz + i, dy, idy + i, g, ig + i, width, work, constants, rows.stride, low, high);
      } else {
        BatchNormRows.apply(
            z, iz + i, work, scratch, width, work, constants, rows.stride, low, high);
        VectorActivation.gradient(work, scratch, dy, idy + i, work, scratch, width, activation);
        System.arraycopy(work, scratch, g, ig + i, width);
      }
    }
  }

  /** dz = the gradient of the norm's input from g of {@link #mask}; dz may be g. */
  public void gradient(float[] z, int iz, float[] g, int ig, float[] dz, int idz, int elements) {
    for (int i = 0; i < elements; i += rows.width) {
      int width = Math.min(rows.width, elements - i);
      BatchNormRows.gradient(
          z, iz + i, g, ig + i, dz, idz + i, width, work, constants, rows.stride);
    }
  }
}
