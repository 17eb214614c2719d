package dev.sextant.tensor.internal.cpu.vector;

/**
 * Times multiply-adds out of the first-level cache in vectors of 512 and of 256 bits: what decides
 * the speed of every kernel. A program of its own, which the launcher runs once for a processor and
 * a JVM.
 */
public final class WidthCalibration {
  /** Nanoseconds that each width is run for, the time C2 takes to compile it included. */
  private static final long NANOS = 120_000_000;

  private static final int SIZE = 1024;
  private static final int REPEATS = 200;

  /** By how much the narrower vectors must be faster, so that noise does not choose them. */
  private static final double MARGIN = 1.1;

  private WidthCalibration() {}

  /** Prints the width to be used on this machine, in bits. */
  public static void main(String[] args) {
    int widest = VectorWidth.widest();
    System.out.println(widest == 512 ? run() : widest);
  }

  /** 256 or 512. */
  static int run() {
    float[] a = new float[SIZE];
    float[] sums = new float[4 * 512 / Float.SIZE];
    long wide = Long.MAX_VALUE;
    long narrow = Long.MAX_VALUE;
    long end = System.nanoTime() + 2 * NANOS;
    while (System.nanoTime() < end) {
      long start = System.nanoTime();
      CalibrationPass512.run(REPEATS, a, sums);
      long middle = System.nanoTime();
      CalibrationPass256.run(REPEATS, a, sums);
      wide = Math.min(wide, middle - start);
      narrow = Math.min(narrow, System.nanoTime() - middle);
    }
    return narrow * MARGIN < wide ? 256 : 512;
  }
}
