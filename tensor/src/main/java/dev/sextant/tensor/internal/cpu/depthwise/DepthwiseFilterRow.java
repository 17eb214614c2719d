package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One row's share of the gradient of a depthwise kernel row: to[t] += sum over columns of
 * gradient[column] x[stride column + t], a vector of channels at a time, in one workspace array.
 *
 * <p>Columns are taken in steps of four or eight with their gradients in registers, so that each
 * pixel is loaded once for all the taps it meets. Where a row has few taps, odd columns have sums
 * of their own: a multiply-add takes four cycles and two can start in each, so eight must be in
 * flight. No kernel holds more than 15 vectors, which suits machines with 16 registers too.
 */
final class DepthwiseFilterRow {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  private DepthwiseFilterRow() {}

  /**
   * Adds one row's share.
   *
   * @param taps of the kernel row
   * @param stride in taps, from one column to the next
   * @param a the workspace
   * @param row the pixel under tap 0 of column 0
   * @param pixel elements from one tap to the next
   * @param gradient the gradient at column 0
   * @param next elements from one column's gradient to the next's
   * @param columns a multiple of eight; gradients past the end of the row are zero
   * @param to the sum of tap 0; the others follow
   */
  static void accumulate(
      int taps,
      int stride,
      float[] a,
      int row,
      int pixel,
      int gradient,
      int next,
      int columns,
      int to) {
    if (stride == 1 && taps == 3) {
      stride1Taps3(a, row, pixel, gradient, next, columns, to);
    } else if (stride == 1 && taps == 5) {
      stride1Taps5(a, row, pixel, gradient, next, columns, to);
    } else if (stride == 1 && taps == 7) {
      stride1Taps7(a, row, pixel, gradient, next, columns, to);
    } else if (stride == 2 && taps == 3) {
      stride2Taps3(a, row, pixel, gradient, next, columns, to);
    } else if (stride == 2 && taps == 5) {
      stride2Taps5(a, row, pixel, gradient, next, columns, to);
    } else if (stride == 2 && taps == 7) {
      stride2Taps7(a, row, pixel, gradient, next, columns, to);
    } else {
      for (int tap = 0; tap < taps; tap++) {
        oneTap(a, row + tap * pixel, stride * pixel, gradient, next, columns, to + tap * LANES);
      }
    }
  }

  private static void oneTap(
      float[] a, int row, int step, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.zero(SPECIES);
    FloatVector sum2 = FloatVector.zero(SPECIES);
    FloatVector sum3 = FloatVector.zero(SPECIES);
    int p = row;
    int d = gradient;
    for (int column = 0; column < columns; column += 4) {
      sum0 = FloatVector.fromArray(SPECIES, a, p).fma(FloatVector.fromArray(SPECIES, a, d), sum0);
      sum1 =
          FloatVector.fromArray(SPECIES, a, p + step)
              .fma(FloatVector.fromArray(SPECIES, a, d + next), sum1);
      sum2 =
          FloatVector.fromArray(SPECIES, a, p + 2 * step)
              .fma(FloatVector.fromArray(SPECIES, a, d + 2 * next), sum2);
      sum3 =
          FloatVector.fromArray(SPECIES, a, p + 3 * step)
              .fma(FloatVector.fromArray(SPECIES, a, d + 3 * next), sum3);
      p += 4 * step;
      d += 4 * next;
    }
    sum0.add(sum1).add(sum2.add(sum3)).intoArray(a, to);
  }

  private static void stride1Taps3(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector odd0 = FloatVector.zero(SPECIES);
    FloatVector odd1 = FloatVector.zero(SPECIES);
    FloatVector odd2 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column += 8) {
      int p = row + column * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector d4 = FloatVector.fromArray(SPECIES, a, d + 4 * next);
      FloatVector d5 = FloatVector.fromArray(SPECIES, a, d + 5 * next);
      FloatVector d6 = FloatVector.fromArray(SPECIES, a, d + 6 * next);
      FloatVector d7 = FloatVector.fromArray(SPECIES, a, d + 7 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      odd0 = x.fma(d1, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      odd1 = x.fma(d1, odd1);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      odd2 = x.fma(d1, odd2);
      sum1 = x.fma(d2, sum1);
      odd0 = x.fma(d3, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      sum2 = x.fma(d2, sum2);
      odd1 = x.fma(d3, odd1);
      sum0 = x.fma(d4, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      odd2 = x.fma(d3, odd2);
      sum1 = x.fma(d4, sum1);
      odd0 = x.fma(d5, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      sum2 = x.fma(d4, sum2);
      odd1 = x.fma(d5, odd1);
      sum0 = x.fma(d6, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      odd2 = x.fma(d5, odd2);
      sum1 = x.fma(d6, sum1);
      odd0 = x.fma(d7, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
      sum2 = x.fma(d6, sum2);
      odd1 = x.fma(d7, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
      odd2 = x.fma(d7, odd2);
    }
    sum0.add(odd0).intoArray(a, to);
    sum1.add(odd1).intoArray(a, to + LANES);
    sum2.add(odd2).intoArray(a, to + 2 * LANES);
  }

  private static void stride1Taps5(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector sum3 = FloatVector.fromArray(SPECIES, a, to + 3 * LANES);
    FloatVector sum4 = FloatVector.fromArray(SPECIES, a, to + 4 * LANES);
    FloatVector odd0 = FloatVector.zero(SPECIES);
    FloatVector odd1 = FloatVector.zero(SPECIES);
    FloatVector odd2 = FloatVector.zero(SPECIES);
    FloatVector odd3 = FloatVector.zero(SPECIES);
    FloatVector odd4 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column += 4) {
      int p = row + column * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      odd0 = x.fma(d1, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      odd1 = x.fma(d1, odd1);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      sum3 = x.fma(d0, sum3);
      odd2 = x.fma(d1, odd2);
      sum1 = x.fma(d2, sum1);
      odd0 = x.fma(d3, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      sum4 = x.fma(d0, sum4);
      odd3 = x.fma(d1, odd3);
      sum2 = x.fma(d2, sum2);
      odd1 = x.fma(d3, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      odd4 = x.fma(d1, odd4);
      sum3 = x.fma(d2, sum3);
      odd2 = x.fma(d3, odd2);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      sum4 = x.fma(d2, sum4);
      odd3 = x.fma(d3, odd3);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      odd4 = x.fma(d3, odd4);
    }
    sum0.add(odd0).intoArray(a, to);
    sum1.add(odd1).intoArray(a, to + LANES);
    sum2.add(odd2).intoArray(a, to + 2 * LANES);
    sum3.add(odd3).intoArray(a, to + 3 * LANES);
    sum4.add(odd4).intoArray(a, to + 4 * LANES);
  }

  private static void stride1Taps7(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector sum3 = FloatVector.fromArray(SPECIES, a, to + 3 * LANES);
    FloatVector sum4 = FloatVector.fromArray(SPECIES, a, to + 4 * LANES);
    FloatVector sum5 = FloatVector.fromArray(SPECIES, a, to + 5 * LANES);
    FloatVector sum6 = FloatVector.fromArray(SPECIES, a, to + 6 * LANES);
    for (int column = 0; column < columns; column += 4) {
      int p = row + column * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      sum0 = x.fma(d1, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      sum1 = x.fma(d1, sum1);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      sum3 = x.fma(d0, sum3);
      sum2 = x.fma(d1, sum2);
      sum1 = x.fma(d2, sum1);
      sum0 = x.fma(d3, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      sum4 = x.fma(d0, sum4);
      sum3 = x.fma(d1, sum3);
      sum2 = x.fma(d2, sum2);
      sum1 = x.fma(d3, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      sum5 = x.fma(d0, sum5);
      sum4 = x.fma(d1, sum4);
      sum3 = x.fma(d2, sum3);
      sum2 = x.fma(d3, sum2);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      sum6 = x.fma(d0, sum6);
      sum5 = x.fma(d1, sum5);
      sum4 = x.fma(d2, sum4);
      sum3 = x.fma(d3, sum3);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      sum6 = x.fma(d1, sum6);
      sum5 = x.fma(d2, sum5);
      sum4 = x.fma(d3, sum4);
      x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
      sum6 = x.fma(d2, sum6);
      sum5 = x.fma(d3, sum5);
      x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
      sum6 = x.fma(d3, sum6);
    }
    sum0.intoArray(a, to);
    sum1.intoArray(a, to + LANES);
    sum2.intoArray(a, to + 2 * LANES);
    sum3.intoArray(a, to + 3 * LANES);
    sum4.intoArray(a, to + 4 * LANES);
    sum5.intoArray(a, to + 5 * LANES);
    sum6.intoArray(a, to + 6 * LANES);
  }

  private static void stride2Taps3(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector odd0 = FloatVector.zero(SPECIES);
    FloatVector odd1 = FloatVector.zero(SPECIES);
    FloatVector odd2 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column += 8) {
      int p = row + column * 2 * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector d4 = FloatVector.fromArray(SPECIES, a, d + 4 * next);
      FloatVector d5 = FloatVector.fromArray(SPECIES, a, d + 5 * next);
      FloatVector d6 = FloatVector.fromArray(SPECIES, a, d + 6 * next);
      FloatVector d7 = FloatVector.fromArray(SPECIES, a, d + 7 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      odd0 = x.fma(d1, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      odd1 = x.fma(d1, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      odd2 = x.fma(d1, odd2);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      sum1 = x.fma(d2, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      sum2 = x.fma(d2, sum2);
      odd0 = x.fma(d3, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      odd1 = x.fma(d3, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
      odd2 = x.fma(d3, odd2);
      sum0 = x.fma(d4, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
      sum1 = x.fma(d4, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 10 * pixel);
      sum2 = x.fma(d4, sum2);
      odd0 = x.fma(d5, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 11 * pixel);
      odd1 = x.fma(d5, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 12 * pixel);
      odd2 = x.fma(d5, odd2);
      sum0 = x.fma(d6, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 13 * pixel);
      sum1 = x.fma(d6, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 14 * pixel);
      sum2 = x.fma(d6, sum2);
      odd0 = x.fma(d7, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 15 * pixel);
      odd1 = x.fma(d7, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 16 * pixel);
      odd2 = x.fma(d7, odd2);
    }
    sum0.add(odd0).intoArray(a, to);
    sum1.add(odd1).intoArray(a, to + LANES);
    sum2.add(odd2).intoArray(a, to + 2 * LANES);
  }

  private static void stride2Taps5(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector sum3 = FloatVector.fromArray(SPECIES, a, to + 3 * LANES);
    FloatVector sum4 = FloatVector.fromArray(SPECIES, a, to + 4 * LANES);
    FloatVector odd0 = FloatVector.zero(SPECIES);
    FloatVector odd1 = FloatVector.zero(SPECIES);
    FloatVector odd2 = FloatVector.zero(SPECIES);
    FloatVector odd3 = FloatVector.zero(SPECIES);
    FloatVector odd4 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column += 4) {
      int p = row + column * 2 * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      odd0 = x.fma(d1, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      sum3 = x.fma(d0, sum3);
      odd1 = x.fma(d1, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      sum4 = x.fma(d0, sum4);
      odd2 = x.fma(d1, odd2);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      odd3 = x.fma(d1, odd3);
      sum1 = x.fma(d2, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      odd4 = x.fma(d1, odd4);
      sum2 = x.fma(d2, sum2);
      odd0 = x.fma(d3, odd0);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      sum3 = x.fma(d2, sum3);
      odd1 = x.fma(d3, odd1);
      x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
      sum4 = x.fma(d2, sum4);
      odd2 = x.fma(d3, odd2);
      x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
      odd3 = x.fma(d3, odd3);
      x = FloatVector.fromArray(SPECIES, a, p + 10 * pixel);
      odd4 = x.fma(d3, odd4);
    }
    sum0.add(odd0).intoArray(a, to);
    sum1.add(odd1).intoArray(a, to + LANES);
    sum2.add(odd2).intoArray(a, to + 2 * LANES);
    sum3.add(odd3).intoArray(a, to + 3 * LANES);
    sum4.add(odd4).intoArray(a, to + 4 * LANES);
  }

  private static void stride2Taps7(
      float[] a, int row, int pixel, int gradient, int next, int columns, int to) {
    FloatVector sum0 = FloatVector.fromArray(SPECIES, a, to);
    FloatVector sum1 = FloatVector.fromArray(SPECIES, a, to + LANES);
    FloatVector sum2 = FloatVector.fromArray(SPECIES, a, to + 2 * LANES);
    FloatVector sum3 = FloatVector.fromArray(SPECIES, a, to + 3 * LANES);
    FloatVector sum4 = FloatVector.fromArray(SPECIES, a, to + 4 * LANES);
    FloatVector sum5 = FloatVector.fromArray(SPECIES, a, to + 5 * LANES);
    FloatVector sum6 = FloatVector.fromArray(SPECIES, a, to + 6 * LANES);
    for (int column = 0; column < columns; column += 4) {
      int p = row + column * 2 * pixel;
      int d = gradient + column * next;
      FloatVector d0 = FloatVector.fromArray(SPECIES, a, d);
      FloatVector d1 = FloatVector.fromArray(SPECIES, a, d + next);
      FloatVector d2 = FloatVector.fromArray(SPECIES, a, d + 2 * next);
      FloatVector d3 = FloatVector.fromArray(SPECIES, a, d + 3 * next);
      FloatVector x;
      x = FloatVector.fromArray(SPECIES, a, p);
      sum0 = x.fma(d0, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + pixel);
      sum1 = x.fma(d0, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
      sum2 = x.fma(d0, sum2);
      sum0 = x.fma(d1, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
      sum3 = x.fma(d0, sum3);
      sum1 = x.fma(d1, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
      sum4 = x.fma(d0, sum4);
      sum2 = x.fma(d1, sum2);
      sum0 = x.fma(d2, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
      sum5 = x.fma(d0, sum5);
      sum3 = x.fma(d1, sum3);
      sum1 = x.fma(d2, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
      sum6 = x.fma(d0, sum6);
      sum4 = x.fma(d1, sum4);
      sum2 = x.fma(d2, sum2);
      sum0 = x.fma(d3, sum0);
      x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
      sum5 = x.fma(d1, sum5);
      sum3 = x.fma(d2, sum3);
      sum1 = x.fma(d3, sum1);
      x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
      sum6 = x.fma(d1, sum6);
      sum4 = x.fma(d2, sum4);
      sum2 = x.fma(d3, sum2);
      x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
      sum5 = x.fma(d2, sum5);
      sum3 = x.fma(d3, sum3);
      x = FloatVector.fromArray(SPECIES, a, p + 10 * pixel);
      sum6 = x.fma(d2, sum6);
      sum4 = x.fma(d3, sum4);
      x = FloatVector.fromArray(SPECIES, a, p + 11 * pixel);
      sum5 = x.fma(d3, sum5);
      x = FloatVector.fromArray(SPECIES, a, p + 12 * pixel);
      sum6 = x.fma(d3, sum6);
    }
    sum0.intoArray(a, to);
    sum1.intoArray(a, to + LANES);
    sum2.intoArray(a, to + 2 * LANES);
    sum3.intoArray(a, to + 3 * LANES);
    sum4.intoArray(a, to + 4 * LANES);
    sum5.intoArray(a, to + 5 * LANES);
    sum6.intoArray(a, to + 6 * LANES);
  }
}
