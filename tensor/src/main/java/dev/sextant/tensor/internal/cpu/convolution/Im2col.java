package dev.sextant.tensor.internal.cpu.convolution;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The patches that a dense convolution sees, one row {@code [k, k, Cin]} for each output pixel
 * (counted through {@code [N, H', W']}), and their adjoint.
 */
final class Im2col {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  private int kernel;
  private int stride;
  private int padding;
  private int dilation;
  private int height;
  private int width;
  private int channels;
  private int outHeight;
  private int outWidth;

  /** The geometry: image {@code [N, H, W, Cin]}, output {@code [N, H', W', ..]}. */
  void set(Window window, Shape image, Shape output) {
    kernel = window.kernel();
    stride = window.stride();
    padding = window.padding();
    dilation = window.dilation();
    height = image.get(1);
    width = image.get(2);
    channels = image.get(3);
    outHeight = output.get(1);
    outWidth = output.get(2);
  }

  /** Length of a row. */
  int depth() {
    return kernel * kernel * channels;
  }

  /** Writes the rows of pixels {@code from} to {@code to}. */
  void gather(float[] x, int ix, int from, int to, float[] columns, int icolumns) {
    int at = icolumns;
    int run = kernel * channels;
    for (int pixel = from; pixel < to; pixel++) {
      int image = ix + pixel / (outHeight * outWidth) * height * width * channels;
      int y = pixel / outWidth % outHeight * stride - padding;
      int left = pixel % outWidth * stride - padding;
      for (int ky = 0; ky < kernel; ky++, y += dilation, at += run) {
        if (y < 0 || y >= height) {
          Arrays.fill(columns, at, at + run, 0f);
        } else {
          gatherRow(x, image + y * width * channels, left, columns, at);
        }
      }
    }
  }

  private void gatherRow(float[] x, int row, int left, float[] columns, int at) {
    if (dilation == 1) {
      int first = Math.clamp(-left, 0, kernel);
      int end = Math.clamp(width - left, first, kernel);
      if (first > 0) {
        Arrays.fill(columns, at, at + first * channels, 0f);
      }
      copy(
          x,
          row + (left + first) * channels,
          columns,
          at + first * channels,
          (end - first) * channels);
      if (end < kernel) {
        Arrays.fill(columns, at + end * channels, at + kernel * channels, 0f);
      }
      return;
    }
    for (int kx = 0; kx < kernel; kx++) {
      int column = left + kx * dilation;
      int target = at + kx * channels;
      if (column < 0 || column >= width) {
        Arrays.fill(columns, target, target + channels, 0f);
      } else {
        copy(x, row + column * channels, columns, target, channels);
      }
    }
  }

  /** Adds the rows of pixels {@code from} to {@code to} to the pixels of x they came from. */
  void scatterAdd(float[] columns, int icolumns, int from, int to, float[] x, int ix) {
    int at = icolumns;
    for (int pixel = from; pixel < to; pixel++) {
      int image = ix + pixel / (outHeight * outWidth) * height * width * channels;
      int y = pixel / outWidth % outHeight * stride - padding;
      int left = pixel % outWidth * stride - padding;
      for (int ky = 0; ky < kernel; ky++, y += dilation, at += kernel * channels) {
        if (y >= 0 && y < height) {
          scatterRow(columns, at, x, image + y * width * channels, left);
        }
      }
    }
  }

  private void scatterRow(float[] columns, int at, float[] x, int row, int left) {
    if (dilation == 1) {
      int first = Math.clamp(-left, 0, kernel);
      int end = Math.clamp(width - left, first, kernel);
      add(
          columns,
          at + first * channels,
          x,
          row + (left + first) * channels,
          (end - first) * channels);
      return;
    }
    for (int kx = 0; kx < kernel; kx++) {
      int column = left + kx * dilation;
      if (column >= 0 && column < width) {
        add(columns, at + kx * channels, x, row + column * channels, channels);
      }
    }
  }

  private static void add(float[] columns, int at, float[] x, int ix, int count) {
    VectorMath.add(columns, at, x, ix, x, ix, count);
  }

  /** y = x; runs are short, too short for the general array copy to pay. */
  private static void copy(float[] x, int ix, float[] y, int iy, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, x, ix + i).intoArray(y, iy + i);
    }
    if (i < count) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, count);
      FloatVector.fromArray(SPECIES, x, ix + i, mask).intoArray(y, iy + i, mask);
    }
  }
}
