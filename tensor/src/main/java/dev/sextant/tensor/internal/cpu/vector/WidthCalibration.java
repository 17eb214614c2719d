package dev.sextant.tensor.internal.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Times multiply-adds out of the first-level cache in vectors of 512 and of 256 bits: what decides
 * the speed of every kernel. Each width has a class of its own because C2 needs the species to be a
 * constant.
 */
final class WidthCalibration {
  /** Nanoseconds that each width is run for, the time C2 takes to compile it included. */
  private static final long NANOS = 120_000_000;

  private static final int SIZE = 1024;
  private static final int REPEATS = 200;

  /** By how much the narrower vectors must be faster, so that noise does not choose them. */
  private static final double MARGIN = 1.1;

  private WidthCalibration() {}

  /** 256 or 512. */
  static int run() {
    float[] a = new float[SIZE];
    float[] sums = new float[4 * Wide.LANES];
    long wide = Long.MAX_VALUE;
    long narrow = Long.MAX_VALUE;
    long end = System.nanoTime() + 2 * NANOS;
    while (System.nanoTime() < end) {
      long start = System.nanoTime();
      Wide.run(a, sums);
      long middle = System.nanoTime();
      Narrow.run(a, sums);
      wide = Math.min(wide, middle - start);
      narrow = Math.min(narrow, System.nanoTime() - middle);
    }
    return narrow * MARGIN < wide ? 256 : 512;
  }

  private static final class Wide {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_512;
    static final int LANES = SPECIES.length();

    static void run(float[] a, float[] sums) {
      for (int repeat = 0; repeat < REPEATS; repeat++) {
        pass(a, sums);
      }
    }

    private static void pass(float[] a, float[] sums) {
      FloatVector s0 = FloatVector.fromArray(SPECIES, sums, 0);
      FloatVector s1 = FloatVector.fromArray(SPECIES, sums, LANES);
      FloatVector s2 = FloatVector.fromArray(SPECIES, sums, 2 * LANES);
      FloatVector s3 = FloatVector.fromArray(SPECIES, sums, 3 * LANES);
      for (int i = 0; i < SIZE; i += 4 * LANES) {
        FloatVector a0 = FloatVector.fromArray(SPECIES, a, i);
        FloatVector a1 = FloatVector.fromArray(SPECIES, a, i + LANES);
        FloatVector a2 = FloatVector.fromArray(SPECIES, a, i + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(SPECIES, a, i + 3 * LANES);
        s0 = a0.fma(a1, s0);
        s1 = a1.fma(a2, s1);
        s2 = a2.fma(a3, s2);
        s3 = a3.fma(a0, s3);
      }
      s0.intoArray(sums, 0);
      s1.intoArray(sums, LANES);
      s2.intoArray(sums, 2 * LANES);
      s3.intoArray(sums, 3 * LANES);
    }
  }

  private static final class Narrow {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_256;
    static final int LANES = SPECIES.length();

    static void run(float[] a, float[] sums) {
      for (int repeat = 0; repeat < REPEATS; repeat++) {
        pass(a, sums);
      }
    }

    private static void pass(float[] a, float[] sums) {
      FloatVector s0 = FloatVector.fromArray(SPECIES, sums, 0);
      FloatVector s1 = FloatVector.fromArray(SPECIES, sums, LANES);
      FloatVector s2 = FloatVector.fromArray(SPECIES, sums, 2 * LANES);
      FloatVector s3 = FloatVector.fromArray(SPECIES, sums, 3 * LANES);
      for (int i = 0; i < SIZE; i += 4 * LANES) {
        FloatVector a0 = FloatVector.fromArray(SPECIES, a, i);
        FloatVector a1 = FloatVector.fromArray(SPECIES, a, i + LANES);
        FloatVector a2 = FloatVector.fromArray(SPECIES, a, i + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(SPECIES, a, i + 3 * LANES);
        s0 = a0.fma(a1, s0);
        s1 = a1.fma(a2, s1);
        s2 = a2.fma(a3, s2);
        s3 = a3.fma(a0, s3);
      }
      s0.intoArray(sums, 0);
      s1.intoArray(sums, LANES);
      s2.intoArray(sums, 2 * LANES);
      s3.intoArray(sums, 3 * LANES);
    }
  }
}
