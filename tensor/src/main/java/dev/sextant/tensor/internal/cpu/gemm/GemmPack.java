package dev.sextant.tensor.internal.cpu.gemm;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Packs the right operand of a product into the panels that tiles read, one after the other: {@code
 * [k, width lanes]} each, the last one padded with zeros. The panel that starts at vector v is at
 * {@code v lanes k}.
 */
public final class GemmPack {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  private GemmPack() {}

  /** Floats that packing k rows of n takes. */
  static int size(int k, int n) {
    return Math.multiplyExact(Math.multiplyExact((n + LANES - 1) / LANES, LANES), k);
  }

  /** Floats that a b {@code [k, n]} that does not change takes with its bias. */
  public static int fixedSize(int k, int n) {
    return Math.addExact(size(k, n), size(1, n));
  }

  /**
   * Lays out b {@code [k, n]} and its bias {@code [n]}: packed for so many stretches, then the bias
   * in whole vectors.
   */
  public static void fix(
      Tensor b, Tensor bias, int k, int n, int stretches, float[] out, int iout) {
    pack(b.floats(), b.offset(), n, false, k, n, stretches, out, iout, 0, 1);
    int at = iout + size(k, n);
    System.arraycopy(bias.floats(), bias.offset(), out, at, n);
    Arrays.fill(out, at + n, at + size(1, n), 0f);
  }

  /**
   * Packs one worker's share of the panels.
   *
   * @param b op(b) is {@code [k, n]} with rows or, if transposed, columns {@code stride} apart
   * @param across stretches that the vectors are cut into, as in {@link GemmBlock#across}
   */
  static void pack(
      float[] b,
      int ib,
      int stride,
      boolean transposed,
      int k,
      int n,
      int across,
      float[] out,
      int iout,
      int worker,
      int workers) {
    int vectors = (n + LANES - 1) / LANES;
    int panel = 0;
    for (int i = 0; i < across; i++) {
      int end = GemmBlock.stretch(vectors, i + 1, across);
      int width;
      for (int vector = GemmBlock.stretch(vectors, i, across); vector < end; vector += width) {
        width = GemmBlock.width(end - vector);
        if (panel++ % workers != worker) {
          continue;
        }
        int target = iout + vector * LANES * k;
        for (int v = 0; v < width; v++) {
          int column = (vector + v) * LANES;
          int columns = Math.min(LANES, n - column);
          if (transposed) {
            transposed(
                b,
                ib + column * stride,
                stride,
                columns,
                k,
                out,
                target + v * LANES,
                width * LANES);
          } else {
            rowMajor(b, ib + column, stride, columns, k, out, target + v * LANES, width * LANES);
          }
        }
      }
    }
  }

  private static void rowMajor(
      float[] b, int ib, int stride, int columns, int k, float[] out, int iout, int step) {
    if (columns == LANES) {
      for (int p = 0; p < k; p++) {
        FloatVector.fromArray(SPECIES, b, ib + p * stride).intoArray(out, iout + p * step);
      }
      return;
    }
    VectorMask<Float> mask = SPECIES.indexInRange(0, columns);
    for (int p = 0; p < k; p++) {
      FloatVector.fromArray(SPECIES, b, ib + p * stride, mask).intoArray(out, iout + p * step);
    }
  }

  private static void transposed(
      float[] b, int ib, int stride, int columns, int k, float[] out, int iout, int step) {
    for (int p = 0; p < k; p++) {
      transposedRow(b, ib + p, stride, columns, out, iout + p * step);
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
