package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One output row of a depthwise correlation for one vector of channels, from zero-padded rows to
 * where the result belongs: out[column] = bias + sum over kernel rows and taps of weight times
 * pixel. Pixels, weights and bias are in one workspace array. The table of which kernel runs.
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
   * @param out where the result goes
   * @param to its column 0
   * @param step elements from one of its columns to the next
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
      float[] out,
      int to,
      int step,
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
                  out,
                  to,
                  step,
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
                  out,
                  to,
                  step,
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
          out,
          to,
          step,
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
      float[] out,
      int to,
      int step,
      int blocks) {
    int column = stride * pixel;
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
        int p = line + block * COLUMNS * column;
        for (int tap = 0; tap < taps; tap++) {
          FloatVector w = FloatVector.fromArray(SPECIES, a, first + tap * LANES);
          sum0 = FloatVector.fromArray(SPECIES, a, p).fma(w, sum0);
          sum1 = FloatVector.fromArray(SPECIES, a, p + column).fma(w, sum1);
          sum2 = FloatVector.fromArray(SPECIES, a, p + 2 * column).fma(w, sum2);
          sum3 = FloatVector.fromArray(SPECIES, a, p + 3 * column).fma(w, sum3);
          sum4 = FloatVector.fromArray(SPECIES, a, p + 4 * column).fma(w, sum4);
          sum5 = FloatVector.fromArray(SPECIES, a, p + 5 * column).fma(w, sum5);
          sum6 = FloatVector.fromArray(SPECIES, a, p + 6 * column).fma(w, sum6);
          sum7 = FloatVector.fromArray(SPECIES, a, p + 7 * column).fma(w, sum7);
          p += pixel;
        }
        line += rowStep;
        if (line >= ringEnd) {
          line -= ringSize;
        }
        first += weightStep;
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
