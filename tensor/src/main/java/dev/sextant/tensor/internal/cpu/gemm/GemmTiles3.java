package dev.sextant.tensor.internal.cpu.gemm;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * GEMM micro-kernels three vectors wide, named by their rows: {@code c = s + a b} for one tile held
 * in registers.
 *
 * <p>All take the same arguments: {@code a[ia + r aRow + p aCol]} is broadcast from where it lies;
 * vector {@code v} of row {@code p} of b is at {@code b[ib + p bRow + v lanes]}; the accumulators
 * start from {@code s} and end in {@code c}. Only whole vectors are read and written.
 *
 * <p>Offsets of rows are bound before the loop (175 to 220 Gflop/s), and vectors of b are a
 * constant apart (220 to 240), for C2 does neither well.
 *
 * <p>Each accumulator has its own initial load: C2 does not unbox accumulators that start from a
 * shared variable, and starting from zero vectors ran at 175 instead of 220 Gflop/s (12x2, Zen 5).
 *
 * <p>There is no masked store: with masks in a kernel C1 runs out of virtual registers at tier 3,
 * and one compiled at tier 2 before then stays there, a hundred times too slow, since C2 is never
 * asked. At most 27 accumulators are live, so that with the vectors of b and one of a they fit in
 * the 32 registers of AVX-512.
 */
final class GemmTiles3 {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  private GemmTiles3() {}

  static void rows9(
      float[] a,
      int ia,
      int aRow,
      int aCol,
      float[] b,
      int ib,
      int bRow,
      int k,
      float[] s,
      int is,
      int sRow,
      float[] c,
      int ic,
      int cRow) {
    FloatVector c00 = FloatVector.fromArray(SPECIES, s, is);
    FloatVector c01 = FloatVector.fromArray(SPECIES, s, is + LANES);
    FloatVector c02 = FloatVector.fromArray(SPECIES, s, is + 2 * LANES);
    FloatVector c10 = FloatVector.fromArray(SPECIES, s, is + sRow);
    FloatVector c11 = FloatVector.fromArray(SPECIES, s, is + sRow + LANES);
    FloatVector c12 = FloatVector.fromArray(SPECIES, s, is + sRow + 2 * LANES);
    FloatVector c20 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow);
    FloatVector c21 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + LANES);
    FloatVector c22 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + 2 * LANES);
    FloatVector c30 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow);
    FloatVector c31 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + LANES);
    FloatVector c32 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + 2 * LANES);
    FloatVector c40 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow);
    FloatVector c41 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow + LANES);
    FloatVector c42 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow + 2 * LANES);
    FloatVector c50 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow);
    FloatVector c51 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow + LANES);
    FloatVector c52 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow + 2 * LANES);
    FloatVector c60 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow);
    FloatVector c61 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow + LANES);
    FloatVector c62 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow + 2 * LANES);
    FloatVector c70 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow);
    FloatVector c71 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow + LANES);
    FloatVector c72 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow + 2 * LANES);
    FloatVector c80 = FloatVector.fromArray(SPECIES, s, is + 8 * sRow);
    FloatVector c81 = FloatVector.fromArray(SPECIES, s, is + 8 * sRow + LANES);
    FloatVector c82 = FloatVector.fromArray(SPECIES, s, is + 8 * sRow + 2 * LANES);
    int row1 = aRow;
    int row2 = 2 * aRow;
    int row3 = 3 * aRow;
    int row4 = 4 * aRow;
    int row5 = 5 * aRow;
    int row6 = 6 * aRow;
    int row7 = 7 * aRow;
    int row8 = 8 * aRow;
    int i = ia;
    int j = ib;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector b2 = FloatVector.fromArray(SPECIES, b, j + 2 * LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(SPECIES, a[i + row1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
      FloatVector a2 = FloatVector.broadcast(SPECIES, a[i + row2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      c22 = a2.fma(b2, c22);
      FloatVector a3 = FloatVector.broadcast(SPECIES, a[i + row3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      c32 = a3.fma(b2, c32);
      FloatVector a4 = FloatVector.broadcast(SPECIES, a[i + row4]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      c42 = a4.fma(b2, c42);
      FloatVector a5 = FloatVector.broadcast(SPECIES, a[i + row5]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      c52 = a5.fma(b2, c52);
      FloatVector a6 = FloatVector.broadcast(SPECIES, a[i + row6]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      c62 = a6.fma(b2, c62);
      FloatVector a7 = FloatVector.broadcast(SPECIES, a[i + row7]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      c72 = a7.fma(b2, c72);
      FloatVector a8 = FloatVector.broadcast(SPECIES, a[i + row8]);
      c80 = a8.fma(b0, c80);
      c81 = a8.fma(b1, c81);
      c82 = a8.fma(b2, c82);
      i += aCol;
      j += bRow;
    }
    c00.intoArray(c, ic);
    c01.intoArray(c, ic + LANES);
    c02.intoArray(c, ic + 2 * LANES);
    c10.intoArray(c, ic + cRow);
    c11.intoArray(c, ic + cRow + LANES);
    c12.intoArray(c, ic + cRow + 2 * LANES);
    c20.intoArray(c, ic + 2 * cRow);
    c21.intoArray(c, ic + 2 * cRow + LANES);
    c22.intoArray(c, ic + 2 * cRow + 2 * LANES);
    c30.intoArray(c, ic + 3 * cRow);
    c31.intoArray(c, ic + 3 * cRow + LANES);
    c32.intoArray(c, ic + 3 * cRow + 2 * LANES);
    c40.intoArray(c, ic + 4 * cRow);
    c41.intoArray(c, ic + 4 * cRow + LANES);
    c42.intoArray(c, ic + 4 * cRow + 2 * LANES);
    c50.intoArray(c, ic + 5 * cRow);
    c51.intoArray(c, ic + 5 * cRow + LANES);
    c52.intoArray(c, ic + 5 * cRow + 2 * LANES);
    c60.intoArray(c, ic + 6 * cRow);
    c61.intoArray(c, ic + 6 * cRow + LANES);
    c62.intoArray(c, ic + 6 * cRow + 2 * LANES);
    c70.intoArray(c, ic + 7 * cRow);
    c71.intoArray(c, ic + 7 * cRow + LANES);
    c72.intoArray(c, ic + 7 * cRow + 2 * LANES);
    c80.intoArray(c, ic + 8 * cRow);
    c81.intoArray(c, ic + 8 * cRow + LANES);
    c82.intoArray(c, ic + 8 * cRow + 2 * LANES);
  }

  static void rows8(
      float[] a,
      int ia,
      int aRow,
      int aCol,
      float[] b,
      int ib,
      int bRow,
      int k,
      float[] s,
      int is,
      int sRow,
      float[] c,
      int ic,
      int cRow) {
    FloatVector c00 = FloatVector.fromArray(SPECIES, s, is);
    FloatVector c01 = FloatVector.fromArray(SPECIES, s, is + LANES);
    FloatVector c02 = FloatVector.fromArray(SPECIES, s, is + 2 * LANES);
    FloatVector c10 = FloatVector.fromArray(SPECIES, s, is + sRow);
    FloatVector c11 = FloatVector.fromArray(SPECIES, s, is + sRow + LANES);
    FloatVector c12 = FloatVector.fromArray(SPECIES, s, is + sRow + 2 * LANES);
    FloatVector c20 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow);
    FloatVector c21 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + LANES);
    FloatVector c22 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + 2 * LANES);
    FloatVector c30 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow);
    FloatVector c31 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + LANES);
    FloatVector c32 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + 2 * LANES);
    FloatVector c40 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow);
    FloatVector c41 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow + LANES);
    FloatVector c42 = FloatVector.fromArray(SPECIES, s, is + 4 * sRow + 2 * LANES);
    FloatVector c50 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow);
    FloatVector c51 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow + LANES);
    FloatVector c52 = FloatVector.fromArray(SPECIES, s, is + 5 * sRow + 2 * LANES);
    FloatVector c60 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow);
    FloatVector c61 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow + LANES);
    FloatVector c62 = FloatVector.fromArray(SPECIES, s, is + 6 * sRow + 2 * LANES);
    FloatVector c70 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow);
    FloatVector c71 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow + LANES);
    FloatVector c72 = FloatVector.fromArray(SPECIES, s, is + 7 * sRow + 2 * LANES);
    int row1 = aRow;
    int row2 = 2 * aRow;
    int row3 = 3 * aRow;
    int row4 = 4 * aRow;
    int row5 = 5 * aRow;
    int row6 = 6 * aRow;
    int row7 = 7 * aRow;
    int i = ia;
    int j = ib;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector b2 = FloatVector.fromArray(SPECIES, b, j + 2 * LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(SPECIES, a[i + row1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
      FloatVector a2 = FloatVector.broadcast(SPECIES, a[i + row2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      c22 = a2.fma(b2, c22);
      FloatVector a3 = FloatVector.broadcast(SPECIES, a[i + row3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      c32 = a3.fma(b2, c32);
      FloatVector a4 = FloatVector.broadcast(SPECIES, a[i + row4]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      c42 = a4.fma(b2, c42);
      FloatVector a5 = FloatVector.broadcast(SPECIES, a[i + row5]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      c52 = a5.fma(b2, c52);
      FloatVector a6 = FloatVector.broadcast(SPECIES, a[i + row6]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      c62 = a6.fma(b2, c62);
      FloatVector a7 = FloatVector.broadcast(SPECIES, a[i + row7]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      c72 = a7.fma(b2, c72);
      i += aCol;
      j += bRow;
    }
    c00.intoArray(c, ic);
    c01.intoArray(c, ic + LANES);
    c02.intoArray(c, ic + 2 * LANES);
    c10.intoArray(c, ic + cRow);
    c11.intoArray(c, ic + cRow + LANES);
    c12.intoArray(c, ic + cRow + 2 * LANES);
    c20.intoArray(c, ic + 2 * cRow);
    c21.intoArray(c, ic + 2 * cRow + LANES);
    c22.intoArray(c, ic + 2 * cRow + 2 * LANES);
    c30.intoArray(c, ic + 3 * cRow);
    c31.intoArray(c, ic + 3 * cRow + LANES);
    c32.intoArray(c, ic + 3 * cRow + 2 * LANES);
    c40.intoArray(c, ic + 4 * cRow);
    c41.intoArray(c, ic + 4 * cRow + LANES);
    c42.intoArray(c, ic + 4 * cRow + 2 * LANES);
    c50.intoArray(c, ic + 5 * cRow);
    c51.intoArray(c, ic + 5 * cRow + LANES);
    c52.intoArray(c, ic + 5 * cRow + 2 * LANES);
    c60.intoArray(c, ic + 6 * cRow);
    c61.intoArray(c, ic + 6 * cRow + LANES);
    c62.intoArray(c, ic + 6 * cRow + 2 * LANES);
    c70.intoArray(c, ic + 7 * cRow);
    c71.intoArray(c, ic + 7 * cRow + LANES);
    c72.intoArray(c, ic + 7 * cRow + 2 * LANES);
  }

  static void rows4(
      float[] a,
      int ia,
      int aRow,
      int aCol,
      float[] b,
      int ib,
      int bRow,
      int k,
      float[] s,
      int is,
      int sRow,
      float[] c,
      int ic,
      int cRow) {
    FloatVector c00 = FloatVector.fromArray(SPECIES, s, is);
    FloatVector c01 = FloatVector.fromArray(SPECIES, s, is + LANES);
    FloatVector c02 = FloatVector.fromArray(SPECIES, s, is + 2 * LANES);
    FloatVector c10 = FloatVector.fromArray(SPECIES, s, is + sRow);
    FloatVector c11 = FloatVector.fromArray(SPECIES, s, is + sRow + LANES);
    FloatVector c12 = FloatVector.fromArray(SPECIES, s, is + sRow + 2 * LANES);
    FloatVector c20 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow);
    FloatVector c21 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + LANES);
    FloatVector c22 = FloatVector.fromArray(SPECIES, s, is + 2 * sRow + 2 * LANES);
    FloatVector c30 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow);
    FloatVector c31 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + LANES);
    FloatVector c32 = FloatVector.fromArray(SPECIES, s, is + 3 * sRow + 2 * LANES);
    int row1 = aRow;
    int row2 = 2 * aRow;
    int row3 = 3 * aRow;
    int i = ia;
    int j = ib;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector b2 = FloatVector.fromArray(SPECIES, b, j + 2 * LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(SPECIES, a[i + row1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
      FloatVector a2 = FloatVector.broadcast(SPECIES, a[i + row2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      c22 = a2.fma(b2, c22);
      FloatVector a3 = FloatVector.broadcast(SPECIES, a[i + row3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      c32 = a3.fma(b2, c32);
      i += aCol;
      j += bRow;
    }
    c00.intoArray(c, ic);
    c01.intoArray(c, ic + LANES);
    c02.intoArray(c, ic + 2 * LANES);
    c10.intoArray(c, ic + cRow);
    c11.intoArray(c, ic + cRow + LANES);
    c12.intoArray(c, ic + cRow + 2 * LANES);
    c20.intoArray(c, ic + 2 * cRow);
    c21.intoArray(c, ic + 2 * cRow + LANES);
    c22.intoArray(c, ic + 2 * cRow + 2 * LANES);
    c30.intoArray(c, ic + 3 * cRow);
    c31.intoArray(c, ic + 3 * cRow + LANES);
    c32.intoArray(c, ic + 3 * cRow + 2 * LANES);
  }

  static void rows2(
      float[] a,
      int ia,
      int aRow,
      int aCol,
      float[] b,
      int ib,
      int bRow,
      int k,
      float[] s,
      int is,
      int sRow,
      float[] c,
      int ic,
      int cRow) {
    FloatVector c00 = FloatVector.fromArray(SPECIES, s, is);
    FloatVector c01 = FloatVector.fromArray(SPECIES, s, is + LANES);
    FloatVector c02 = FloatVector.fromArray(SPECIES, s, is + 2 * LANES);
    FloatVector c10 = FloatVector.fromArray(SPECIES, s, is + sRow);
    FloatVector c11 = FloatVector.fromArray(SPECIES, s, is + sRow + LANES);
    FloatVector c12 = FloatVector.fromArray(SPECIES, s, is + sRow + 2 * LANES);
    int row1 = aRow;
    int i = ia;
    int j = ib;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector b2 = FloatVector.fromArray(SPECIES, b, j + 2 * LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(SPECIES, a[i + row1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
      i += aCol;
      j += bRow;
    }
    c00.intoArray(c, ic);
    c01.intoArray(c, ic + LANES);
    c02.intoArray(c, ic + 2 * LANES);
    c10.intoArray(c, ic + cRow);
    c11.intoArray(c, ic + cRow + LANES);
    c12.intoArray(c, ic + cRow + 2 * LANES);
  }

  static void rows1(
      float[] a,
      int ia,
      int aRow,
      int aCol,
      float[] b,
      int ib,
      int bRow,
      int k,
      float[] s,
      int is,
      int sRow,
      float[] c,
      int ic,
      int cRow) {
    FloatVector c00 = FloatVector.fromArray(SPECIES, s, is);
    FloatVector c01 = FloatVector.fromArray(SPECIES, s, is + LANES);
    FloatVector c02 = FloatVector.fromArray(SPECIES, s, is + 2 * LANES);
    int i = ia;
    int j = ib;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector b2 = FloatVector.fromArray(SPECIES, b, j + 2 * LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      i += aCol;
      j += bRow;
    }
    c00.intoArray(c, ic);
    c01.intoArray(c, ic + LANES);
    c02.intoArray(c, ic + 2 * LANES);
  }
}
