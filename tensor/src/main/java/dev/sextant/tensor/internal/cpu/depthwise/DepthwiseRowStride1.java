package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The unrolled {@link DepthwiseRow} kernels that move 1 tap from one output column to the next.
 *
 * <p>Eight columns are summed at a time, one kernel row after the other: the taps of that row stay
 * in registers and each pixel is loaded once for all the columns that see it. A load that is not
 * aligned to the cache line (no Java array is) costs as much as two multiply-adds, which is why the
 * reuse pays. Eight sums, seven taps and a pixel fill the sixteen registers of AVX2.
 */
final class DepthwiseRowStride1 {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();
  private static final int COLUMNS = DepthwiseRow.COLUMNS;

  private DepthwiseRowStride1() {}

  /** See {@link DepthwiseRow#correlate}; false if there is no kernel for that many taps. */
  static boolean correlate(
      int taps,
      float[] a,
      int row,
      int ringEnd,
      int ringSize,
      int rowStep,
      int rows,
      int pixel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks) {
    switch (taps) {
      case 3 ->
          taps3(
              a,
              row,
              ringEnd,
              ringSize,
              rowStep,
              rows,
              pixel,
              weights,
              weightStep,
              bias,
              out,
              to,
              step,
              blocks);
      case 5 ->
          taps5(
              a,
              row,
              ringEnd,
              ringSize,
              rowStep,
              rows,
              pixel,
              weights,
              weightStep,
              bias,
              out,
              to,
              step,
              blocks);
      case 7 ->
          taps7(
              a,
              row,
              ringEnd,
              ringSize,
              rowStep,
              rows,
              pixel,
              weights,
              weightStep,
              bias,
              out,
              to,
              step,
              blocks);
      default -> {
        return false;
      }
    }
    return true;
  }

  private static void taps3(
      float[] a,
      int row,
      int ringEnd,
      int ringSize,
      int rowStep,
      int rows,
      int pixel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks) {
    for (int block = 0; block < blocks; block++) {
      FloatVector sum0 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum1 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum2 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum3 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum4 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum5 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum6 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum7 = FloatVector.fromArray(SPECIES, a, bias);
      int line = row;
      int w = weights;
      int shift = block * 8 * pixel;
      for (int r = 0; r < rows; r++) {
        int p = line + shift;
        FloatVector w0 = FloatVector.fromArray(SPECIES, a, w);
        FloatVector w1 = FloatVector.fromArray(SPECIES, a, w + LANES);
        FloatVector w2 = FloatVector.fromArray(SPECIES, a, w + 2 * LANES);
        FloatVector x;
        x = FloatVector.fromArray(SPECIES, a, p);
        sum0 = x.fma(w0, sum0);
        x = FloatVector.fromArray(SPECIES, a, p + pixel);
        sum0 = x.fma(w1, sum0);
        sum1 = x.fma(w0, sum1);
        x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
        sum0 = x.fma(w2, sum0);
        sum1 = x.fma(w1, sum1);
        sum2 = x.fma(w0, sum2);
        x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
        sum1 = x.fma(w2, sum1);
        sum2 = x.fma(w1, sum2);
        sum3 = x.fma(w0, sum3);
        x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
        sum2 = x.fma(w2, sum2);
        sum3 = x.fma(w1, sum3);
        sum4 = x.fma(w0, sum4);
        x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
        sum3 = x.fma(w2, sum3);
        sum4 = x.fma(w1, sum4);
        sum5 = x.fma(w0, sum5);
        x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
        sum4 = x.fma(w2, sum4);
        sum5 = x.fma(w1, sum5);
        sum6 = x.fma(w0, sum6);
        x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
        sum5 = x.fma(w2, sum5);
        sum6 = x.fma(w1, sum6);
        sum7 = x.fma(w0, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
        sum6 = x.fma(w2, sum6);
        sum7 = x.fma(w1, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
        sum7 = x.fma(w2, sum7);
        line += rowStep;
        if (line >= ringEnd) {
          line -= ringSize;
        }
        w += weightStep;
      }
      int o = to + block * COLUMNS * step;
      sum0.intoArray(out, o);
      sum1.intoArray(out, o + step);
      sum2.intoArray(out, o + 2 * step);
      sum3.intoArray(out, o + 3 * step);
      sum4.intoArray(out, o + 4 * step);
      sum5.intoArray(out, o + 5 * step);
      sum6.intoArray(out, o + 6 * step);
      sum7.intoArray(out, o + 7 * step);
    }
  }

  private static void taps5(
      float[] a,
      int row,
      int ringEnd,
      int ringSize,
      int rowStep,
      int rows,
      int pixel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks) {
    for (int block = 0; block < blocks; block++) {
      FloatVector sum0 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum1 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum2 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum3 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum4 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum5 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum6 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum7 = FloatVector.fromArray(SPECIES, a, bias);
      int line = row;
      int w = weights;
      int shift = block * 8 * pixel;
      for (int r = 0; r < rows; r++) {
        int p = line + shift;
        FloatVector w0 = FloatVector.fromArray(SPECIES, a, w);
        FloatVector w1 = FloatVector.fromArray(SPECIES, a, w + LANES);
        FloatVector w2 = FloatVector.fromArray(SPECIES, a, w + 2 * LANES);
        FloatVector w3 = FloatVector.fromArray(SPECIES, a, w + 3 * LANES);
        FloatVector w4 = FloatVector.fromArray(SPECIES, a, w + 4 * LANES);
        FloatVector x;
        x = FloatVector.fromArray(SPECIES, a, p);
        sum0 = x.fma(w0, sum0);
        x = FloatVector.fromArray(SPECIES, a, p + pixel);
        sum0 = x.fma(w1, sum0);
        sum1 = x.fma(w0, sum1);
        x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
        sum0 = x.fma(w2, sum0);
        sum1 = x.fma(w1, sum1);
        sum2 = x.fma(w0, sum2);
        x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
        sum0 = x.fma(w3, sum0);
        sum1 = x.fma(w2, sum1);
        sum2 = x.fma(w1, sum2);
        sum3 = x.fma(w0, sum3);
        x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
        sum0 = x.fma(w4, sum0);
        sum1 = x.fma(w3, sum1);
        sum2 = x.fma(w2, sum2);
        sum3 = x.fma(w1, sum3);
        sum4 = x.fma(w0, sum4);
        x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
        sum1 = x.fma(w4, sum1);
        sum2 = x.fma(w3, sum2);
        sum3 = x.fma(w2, sum3);
        sum4 = x.fma(w1, sum4);
        sum5 = x.fma(w0, sum5);
        x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
        sum2 = x.fma(w4, sum2);
        sum3 = x.fma(w3, sum3);
        sum4 = x.fma(w2, sum4);
        sum5 = x.fma(w1, sum5);
        sum6 = x.fma(w0, sum6);
        x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
        sum3 = x.fma(w4, sum3);
        sum4 = x.fma(w3, sum4);
        sum5 = x.fma(w2, sum5);
        sum6 = x.fma(w1, sum6);
        sum7 = x.fma(w0, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
        sum4 = x.fma(w4, sum4);
        sum5 = x.fma(w3, sum5);
        sum6 = x.fma(w2, sum6);
        sum7 = x.fma(w1, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
        sum5 = x.fma(w4, sum5);
        sum6 = x.fma(w3, sum6);
        sum7 = x.fma(w2, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 10 * pixel);
        sum6 = x.fma(w4, sum6);
        sum7 = x.fma(w3, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 11 * pixel);
        sum7 = x.fma(w4, sum7);
        line += rowStep;
        if (line >= ringEnd) {
          line -= ringSize;
        }
        w += weightStep;
      }
      int o = to + block * COLUMNS * step;
      sum0.intoArray(out, o);
      sum1.intoArray(out, o + step);
      sum2.intoArray(out, o + 2 * step);
      sum3.intoArray(out, o + 3 * step);
      sum4.intoArray(out, o + 4 * step);
      sum5.intoArray(out, o + 5 * step);
      sum6.intoArray(out, o + 6 * step);
      sum7.intoArray(out, o + 7 * step);
    }
  }

  private static void taps7(
      float[] a,
      int row,
      int ringEnd,
      int ringSize,
      int rowStep,
      int rows,
      int pixel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks) {
    for (int block = 0; block < blocks; block++) {
      FloatVector sum0 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum1 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum2 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum3 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum4 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum5 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum6 = FloatVector.fromArray(SPECIES, a, bias);
      FloatVector sum7 = FloatVector.fromArray(SPECIES, a, bias);
      int line = row;
      int w = weights;
      int shift = block * 8 * pixel;
      for (int r = 0; r < rows; r++) {
        int p = line + shift;
        FloatVector w0 = FloatVector.fromArray(SPECIES, a, w);
        FloatVector w1 = FloatVector.fromArray(SPECIES, a, w + LANES);
        FloatVector w2 = FloatVector.fromArray(SPECIES, a, w + 2 * LANES);
        FloatVector w3 = FloatVector.fromArray(SPECIES, a, w + 3 * LANES);
        FloatVector w4 = FloatVector.fromArray(SPECIES, a, w + 4 * LANES);
        FloatVector w5 = FloatVector.fromArray(SPECIES, a, w + 5 * LANES);
        FloatVector w6 = FloatVector.fromArray(SPECIES, a, w + 6 * LANES);
        FloatVector x;
        x = FloatVector.fromArray(SPECIES, a, p);
        sum0 = x.fma(w0, sum0);
        x = FloatVector.fromArray(SPECIES, a, p + pixel);
        sum0 = x.fma(w1, sum0);
        sum1 = x.fma(w0, sum1);
        x = FloatVector.fromArray(SPECIES, a, p + 2 * pixel);
        sum0 = x.fma(w2, sum0);
        sum1 = x.fma(w1, sum1);
        sum2 = x.fma(w0, sum2);
        x = FloatVector.fromArray(SPECIES, a, p + 3 * pixel);
        sum0 = x.fma(w3, sum0);
        sum1 = x.fma(w2, sum1);
        sum2 = x.fma(w1, sum2);
        sum3 = x.fma(w0, sum3);
        x = FloatVector.fromArray(SPECIES, a, p + 4 * pixel);
        sum0 = x.fma(w4, sum0);
        sum1 = x.fma(w3, sum1);
        sum2 = x.fma(w2, sum2);
        sum3 = x.fma(w1, sum3);
        sum4 = x.fma(w0, sum4);
        x = FloatVector.fromArray(SPECIES, a, p + 5 * pixel);
        sum0 = x.fma(w5, sum0);
        sum1 = x.fma(w4, sum1);
        sum2 = x.fma(w3, sum2);
        sum3 = x.fma(w2, sum3);
        sum4 = x.fma(w1, sum4);
        sum5 = x.fma(w0, sum5);
        x = FloatVector.fromArray(SPECIES, a, p + 6 * pixel);
        sum0 = x.fma(w6, sum0);
        sum1 = x.fma(w5, sum1);
        sum2 = x.fma(w4, sum2);
        sum3 = x.fma(w3, sum3);
        sum4 = x.fma(w2, sum4);
        sum5 = x.fma(w1, sum5);
        sum6 = x.fma(w0, sum6);
        x = FloatVector.fromArray(SPECIES, a, p + 7 * pixel);
        sum1 = x.fma(w6, sum1);
        sum2 = x.fma(w5, sum2);
        sum3 = x.fma(w4, sum3);
        sum4 = x.fma(w3, sum4);
        sum5 = x.fma(w2, sum5);
        sum6 = x.fma(w1, sum6);
        sum7 = x.fma(w0, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 8 * pixel);
        sum2 = x.fma(w6, sum2);
        sum3 = x.fma(w5, sum3);
        sum4 = x.fma(w4, sum4);
        sum5 = x.fma(w3, sum5);
        sum6 = x.fma(w2, sum6);
        sum7 = x.fma(w1, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 9 * pixel);
        sum3 = x.fma(w6, sum3);
        sum4 = x.fma(w5, sum4);
        sum5 = x.fma(w4, sum5);
        sum6 = x.fma(w3, sum6);
        sum7 = x.fma(w2, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 10 * pixel);
        sum4 = x.fma(w6, sum4);
        sum5 = x.fma(w5, sum5);
        sum6 = x.fma(w4, sum6);
        sum7 = x.fma(w3, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 11 * pixel);
        sum5 = x.fma(w6, sum5);
        sum6 = x.fma(w5, sum6);
        sum7 = x.fma(w4, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 12 * pixel);
        sum6 = x.fma(w6, sum6);
        sum7 = x.fma(w5, sum7);
        x = FloatVector.fromArray(SPECIES, a, p + 13 * pixel);
        sum7 = x.fma(w6, sum7);
        line += rowStep;
        if (line >= ringEnd) {
          line -= ringSize;
        }
        w += weightStep;
      }
      int o = to + block * COLUMNS * step;
      sum0.intoArray(out, o);
      sum1.intoArray(out, o + step);
      sum2.intoArray(out, o + 2 * step);
      sum3.intoArray(out, o + 3 * step);
      sum4.intoArray(out, o + 4 * step);
      sum5.intoArray(out, o + 5 * step);
      sum6.intoArray(out, o + 6 * step);
      sum7.intoArray(out, o + 7 * step);
    }
  }
}
