package dev.sextant.tensor.internal.cpu.gemm;

import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums the partial products of the workers into {@code c [m, n]}, always in the order of the
 * workers, so that the result depends on their number alone.
 */
public final class PartialSum implements WorkerTeam.Task {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();
  private static final float[] NONE = {};

  private float[] partials = NONE;
  private int offset;
  private int parts;
  private int stride;
  private boolean transposed;
  private float[] c = NONE;
  private int ic;
  private int m;
  private int n;
  private boolean accumulate;

  /**
   * Where the partial products lie.
   *
   * @param count how many there are, one after the other
   * @param rowStride distance between their rows, in whole vectors
   * @param transpose whether each is {@code [n, m]} instead of {@code [m, n]}
   */
  public void from(float[] array, int at, int count, int rowStride, boolean transpose) {
    partials = array;
    offset = at;
    parts = count;
    stride = rowStride;
    transposed = transpose;
  }

  /** Where the sum goes, and whether it is added. */
  public void to(float[] array, int at, int rows, int columns, boolean add) {
    c = array;
    ic = at;
    m = rows;
    n = columns;
    accumulate = add;
  }

  /** Forgets the arrays. */
  public void clear() {
    partials = NONE;
    c = NONE;
  }

  @Override
  public void run(int worker, int workers) {
    int from = (int) ((long) m * worker / workers);
    int to = (int) ((long) m * (worker + 1) / workers);
    if (transposed) {
      for (int row = from; row < to; row++) {
        sumColumn(row);
      }
    } else {
      for (int row = from; row < to; row++) {
        sumRow(row);
      }
    }
  }

  private void sumRow(int row) {
    int size = m * stride;
    for (int column = 0; column < n; column += LANES) {
      VectorMask<Float> mask = SPECIES.indexInRange(column, n);
      int at = ic + row * n + column;
      int source = offset + row * stride + column;
      FloatVector sum = FloatVector.fromArray(SPECIES, partials, source);
      for (int part = 1; part < parts; part++) {
        sum = FloatVector.fromArray(SPECIES, partials, source + part * size).add(sum);
      }
      if (accumulate) {
        sum = FloatVector.fromArray(SPECIES, c, at, mask).add(sum);
      }
      sum.intoArray(c, at, mask);
    }
  }

  private void sumColumn(int row) {
    int size = n * stride;
    for (int column = 0; column < n; column++) {
      int at = ic + row * n + column;
      int source = offset + column * stride + row;
      float sum = partials[source];
      for (int part = 1; part < parts; part++) {
        sum += partials[source + part * size];
      }
      c[at] = accumulate ? c[at] + sum : sum;
    }
  }
}
