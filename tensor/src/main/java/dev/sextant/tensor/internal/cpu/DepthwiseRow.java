package dev.sextant.tensor.internal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One output row of a depthwise correlation for one vector of channels, from zero-padded rows to a
 * dense row, all in one workspace array: to[column] = bias + sum over kernel rows and taps of
 * weight times pixel. The table of which kernel runs.
 */
final class DepthwiseRow {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** Output columns summed at a time; rows are padded to a multiple of it. */
  static final int COLUMNS = 8;

  private DepthwiseRow() {}

  /**
   * Computes one row.
   *
   * @param stride in taps, from one output column to the next
   * @param taps in a kernel row
   * @param a the workspace
   * @param row the pixel under tap 0 of column 0 in the first kernel row
   * @param ringEnd where a row address wraps around to the start of the ring
   * @param ringSize elements of the ring
   * @param rowStep elements from one kernel row's pixels to the next's
   * @param rows kernel rows inside the image
   * @param pixel elements from one tap to the next
   * @param weights tap 0 of the first kernel row; its other taps follow
   * @param weightStep elements from one kernel row to the next, maybe negative
   * @param bias what the sums start from
   * @param to column 0 of the result
   * @param blocks of {@link #COLUMNS} columns
   */
  static void correlate(
      int stride,
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
      int to,
      int blocks) {
    boolean done =
        switch (stride) {
          case 1 ->
              DepthwiseRowStride1.correlate(
                  taps,
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
                  to,
                  blocks);
          case 2 ->
              DepthwiseRowStride2.correlate(
                  taps,
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
                  to,
                  blocks);
          default -> false;
        };
    if (!done) {
      anyTaps(
          stride,
          taps,
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
          to,
          blocks);
    }
  }

  private static void anyTaps(
      int stride,
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
      int to,
      int blocks) {
    int step = stride * pixel;
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
      int first = weights;
      for (int r = 0; r < rows; r++) {
        int p = line + block * COLUMNS * step;
        for (int tap = 0; tap < taps; tap++) {
          FloatVector w = FloatVector.fromArray(SPECIES, a, first + tap * LANES);
          sum0 = FloatVector.fromArray(SPECIES, a, p).fma(w, sum0);
          sum1 = FloatVector.fromArray(SPECIES, a, p + step).fma(w, sum1);
          sum2 = FloatVector.fromArray(SPECIES, a, p + 2 * step).fma(w, sum2);
          sum3 = FloatVector.fromArray(SPECIES, a, p + 3 * step).fma(w, sum3);
          sum4 = FloatVector.fromArray(SPECIES, a, p + 4 * step).fma(w, sum4);
          sum5 = FloatVector.fromArray(SPECIES, a, p + 5 * step).fma(w, sum5);
          sum6 = FloatVector.fromArray(SPECIES, a, p + 6 * step).fma(w, sum6);
          sum7 = FloatVector.fromArray(SPECIES, a, p + 7 * step).fma(w, sum7);
          p += pixel;
        }
        line += rowStep;
        if (line >= ringEnd) {
          line -= ringSize;
        }
        first += weightStep;
      }
      int o = to + block * COLUMNS * LANES;
      sum0.intoArray(a, o);
      sum1.intoArray(a, o + LANES);
      sum2.intoArray(a, o + 2 * LANES);
      sum3.intoArray(a, o + 3 * LANES);
      sum4.intoArray(a, o + 4 * LANES);
      sum5.intoArray(a, o + 5 * LANES);
      sum6.intoArray(a, o + 6 * LANES);
      sum7.intoArray(a, o + 7 * LANES);
    }
  }
}
