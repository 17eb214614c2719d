package dev.sextant.tensor.internal.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Packs the right operand of a product into vector columns {@code [V, k, lanes]}, padded with
 * zeros: element (p, v lanes + j) of b goes to {@code (v k + p) lanes + j}.
 *
 * <p>Columns of one vector each, not panels, so that workers may cut the columns anywhere.
 */
final class GemmPack {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private GemmPack() {}

  /** Floats that packing k rows of n takes. */
  static int size(int k, int n) {
    return Math.multiplyExact(Math.multiplyExact((n + LANES - 1) / LANES, LANES), k);
  }

  /** Packs vector columns {@code from} to {@code to} of row-major b {@code [k, n]}. */
  static void rowMajor(
      float[] b, int ib, int stride, int k, int n, float[] out, int iout, int from, int to) {
    for (int vector = from; vector < to; vector++) {
      int columns = Math.min(LANES, n - vector * LANES);
      int source = ib + vector * LANES;
      int target = iout + vector * k * LANES;
      if (columns == LANES) {
        for (int p = 0; p < k; p++) {
          FloatVector.fromArray(SPECIES, b, source + p * stride).intoArray(out, target + p * LANES);
        }
      } else {
        for (int p = 0; p < k; p++) {
          FloatVector.fromArray(SPECIES, b, source + p * stride, SPECIES.indexInRange(0, columns))
              .intoArray(out, target + p * LANES);
        }
      }
    }
  }

  /**
   * Packs vector columns {@code from} to {@code to} of b whose transpose {@code [n, k]} lies there.
   */
  static void transposed(
      float[] b, int ib, int stride, int k, int n, float[] out, int iout, int from, int to) {
    for (int vector = from; vector < to; vector++) {
      int columns = Math.min(LANES, n - vector * LANES);
      int source = ib + vector * LANES * stride;
      int target = iout + vector * k * LANES;
      for (int p = 0; p < k; p++) {
        transposedRow(b, source + p, stride, columns, out, target + p * LANES);
      }
    }
  }

  private static void transposedRow(
      float[] b, int source, int stride, int columns, float[] out, int target) {
    int j = 0;
    for (; j < columns; j++) {
      out[target + j] = b[source + j * stride];
    }
    for (; j < LANES; j++) {
      out[target + j] = 0f;
    }
  }
}
