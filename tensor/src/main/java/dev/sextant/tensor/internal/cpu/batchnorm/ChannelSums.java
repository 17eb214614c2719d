package dev.sextant.tensor.internal.cpu.batchnorm;

import java.util.Arrays;

/**
 * Per-channel sums, accurate for millions of rows: float vectors over at most 1024 rows, then
 * doubles, then the workers in their order. Each worker adds the stretches of its share as it comes
 * by them, which begin with channel 0.
 */
public final class ChannelSums {
  /** Rows whose sums are kept in float. */
  private static final int BLOCK = 1024;

  /**
   * Neighbouring rows that are summed together, column by column. Fewer load and store the sums too
   * often; more are more streams than the prefetchers follow (both measured).
   */
  private static final int PANEL = 4;

  /** Integers between the counters of two workers, against false sharing. */
  private static final int PENDING_STRIDE = 16;

  /** Which sums are taken. */
  public enum Kind {
    /** Of z - mean and its square. */
    MOMENTS(2),
    /** Of g and g (z - mean). */
    GRADIENTS(2),
    /** Of z - mean, its square, dy and dy (z - mean). */
    PRODUCTS(4);

    final int sums;

    Kind(int sums) {
      this.sums = sums;
    }
  }

  private final NormPlanes planes;
  private final int[] pending;

  /** The sums of each worker, {@code [workers, sums, channels]}; after {@link #total} of all. */
  private double[] totals = {};

  private Kind kind = Kind.MOMENTS;
  private int workers;
  private int sums;

  /** Sums about the means of those planes, in whose array they are kept meanwhile. */
  public ChannelSums(NormPlanes planes, int threads) {
    this.planes = planes;
    pending = new int[threads * PENDING_STRIDE];
  }

  /** Floats of scratch that the sums of a team take. */
  public int size(Kind which) {
    return pending.length / PENDING_STRIDE * which.sums * planes.rows.stride;
  }

  /** Starts new sums; their floats are at that offset of the array of the planes. */
  public void start(Kind which, int offset) {
    kind = which;
    sums = offset;
    workers = pending.length / PENDING_STRIDE;
    int size = workers * kind.sums * planes.rows.channels;
    if (totals.length < size) {
      totals = new double[size];
    }
    Arrays.fill(totals, 0, size, 0);
    Arrays.fill(pending, 0);
    Arrays.fill(planes.work, sums, sums + size(kind), 0f);
  }

  /** Adds a stretch to a worker's sums of z alone. */
  public void add(int worker, float[] z, int iz, int elements) {
    add(worker, z, iz, z, iz, elements);
  }

  /** Adds a stretch of z and of g or dy to a worker's sums. */
  public void add(int worker, float[] z, int iz, float[] dy, int idy, int elements) {
    ChannelRows rows = planes.rows;
    int own = sums + worker * kind.sums * rows.stride;
    int step = PANEL * rows.width;
    int whole = elements - elements % rows.width;
    for (int i = 0; i < whole; i += step) {
      int count = Math.min(PANEL, (whole - i) / rows.width);
      panel(z, iz + i, dy, idy + i, count, rows.width, own);
      count(worker, count);
    }
    if (whole < elements) {
      panel(z, iz + whole, dy, idy + whole, 1, elements - whole, own);
      count(worker, 1);
    }
  }

  private void panel(float[] z, int iz, float[] dy, int idy, int count, int width, int own) {
    int step = planes.rows.width;
    int stride = planes.rows.stride;
    float[] work = planes.work;
    int constants = planes.constants;
    switch (kind) {
      case MOMENTS ->
          BatchNormSums.moments(z, iz, count, step, width, work, constants, own, stride);
      case GRADIENTS ->
          BatchNormSums.gradients(z, iz, dy, idy, count, step, width, work, constants, own, stride);
      case PRODUCTS ->
          BatchNormSums.products(z, iz, dy, idy, count, step, width, work, constants, own, stride);
    }
  }

  private void count(int worker, int rows) {
    int at = worker * PENDING_STRIDE;
    pending[at] += rows;
    if (pending[at] >= BLOCK) {
      pending[at] = 0;
      fold(worker);
    }
  }

  /** Adds a worker's floats to its doubles. */
  private void fold(int worker) {
    ChannelRows rows = planes.rows;
    int from = sums + worker * kind.sums * rows.stride;
    int to = worker * kind.sums * rows.channels;
    for (int sum = 0; sum < kind.sums; sum++) {
      int row = from + sum * rows.stride;
      for (int base = 0; base < rows.width; base += rows.channels) {
        for (int channel = 0; channel < rows.channels; channel++) {
          totals[to + sum * rows.channels + channel] += planes.work[row + base + channel];
        }
      }
      Arrays.fill(planes.work, row, row + rows.stride, 0f);
    }
  }

  /** Adds up the workers' sums; {@link #sum} reads them. */
  public void total() {
    int size = kind.sums * planes.rows.channels;
    for (int worker = 0; worker < workers; worker++) {
      fold(worker);
      for (int i = 0; i < size && worker > 0; i++) {
        totals[i] += totals[worker * size + i];
      }
    }
  }

  /** A sum after {@link #total}. */
  public double sum(int which, int channel) {
    return totals[which * planes.rows.channels + channel];
  }
}
