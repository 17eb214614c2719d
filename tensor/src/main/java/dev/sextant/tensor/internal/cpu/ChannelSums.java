package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import java.util.Arrays;

/**
 * Per-channel sums over all rows, accurate for millions of rows: float vectors over at most 1024
 * rows, then doubles, then the workers in their order.
 */
final class ChannelSums implements WorkerTeam.Task {
  /** Rows whose sums are kept in float. */
  private static final int BLOCK = 1024;

  /**
   * Neighbouring rows that are summed together, column by column. Fewer load and store the sums too
   * often; more are more streams than the prefetchers follow (both measured).
   */
  private static final int PANEL = 4;

  /** Which sums are taken. */
  enum Kind {
    /** Of z - mean and its square. */
    MOMENTS(2),
    /** Of g and g (z - mean), where g is dy times the derivative of the activation. */
    GRADIENTS(2),
    /** Of z - mean, its square, dy and dy (z - mean). */
    PRODUCTS(4);

    final int sums;

    Kind(int sums) {
      this.sums = sums;
    }
  }

  final ChannelRows rows;
  Kind kind = Kind.MOMENTS;
  float[] z = {};
  int zOffset;
  float[] dy = {};
  int dyOffset;
  Activation activation = Activation.IDENTITY;

  /** The constants of {@link BatchNormRows}, then each worker's scratch. */
  float[] work = {};

  int constants;
  int workers;

  /** The sums of each worker, {@code [workers, sums, channels]}; after {@link #total} of all. */
  private double[] totals = {};

  ChannelSums(ChannelRows rows) {
    this.rows = rows;
  }

  /** Elements of a worker's scratch: sums, and two rows for activations. */
  static int workerSize(Kind kind, ChannelRows rows) {
    return (kind.sums + 2) * rows.stride;
  }

  /** Takes the sums with the whole team. */
  void total(WorkerTeam team) {
    int size = kind.sums * rows.channels;
    if (totals.length < team.threads() * size) {
      totals = new double[team.threads() * size];
    }
    team.run(this);
    for (int worker = 1; worker < team.threads(); worker++) {
      for (int i = 0; i < size; i++) {
        totals[i] += totals[worker * size + i];
      }
    }
  }

  /** A sum after {@link #total}. */
  double sum(int which, int channel) {
    return totals[which * rows.channels + channel];
  }

  @Override
  public void run(int worker, int team) {
    int own = worker * kind.sums * rows.channels;
    Arrays.fill(totals, own, own + kind.sums * rows.channels, 0);
    int sums = workers + worker * workerSize(kind, rows);
    int from = rows.share(worker, team);
    int to = rows.share(worker + 1, team);
    while (from < to) {
      int end = Math.min(to, from + BLOCK);
      Arrays.fill(work, sums, sums + kind.sums * rows.stride, 0f);
      int whole = Math.min(end, rows.wholeRows);
      for (int row = from; row < whole; row += PANEL) {
        add(row, Math.min(PANEL, whole - row), rows.width, sums);
      }
      if (whole < end) {
        add(whole, 1, rows.restWidth, sums);
      }
      for (int sum = 0; sum < kind.sums; sum++) {
        fold(sums + sum * rows.stride, own + sum * rows.channels);
      }
      from = end;
    }
  }

  private void add(int row, int count, int width, int sums) {
    int zRow = zOffset + row * rows.width;
    int dyRow = dyOffset + row * rows.width;
    switch (kind) {
      case MOMENTS ->
          BatchNormRows.moments(
              z, zRow, count, rows.width, width, work, constants, sums, rows.stride);
      case GRADIENTS -> gradients(zRow, dyRow, count, width, sums);
      case PRODUCTS ->
          BatchNormRows.products(
              z, zRow, dy, dyRow, count, rows.width, width, work, constants, sums, rows.stride);
    }
  }

  private void gradients(int zRow, int dyRow, int count, int width, int sums) {
    if (VectorActivation.isClamp(activation)) {
      BatchNormRows.gradientSums(
          z,
          zRow,
          dy,
          dyRow,
          count,
          rows.width,
          width,
          work,
          constants,
          sums,
          rows.stride,
          VectorActivation.low(activation),
          VectorActivation.high(activation));
      return;
    }
    int scratch = sums + kind.sums * rows.stride;
    for (int row = 0; row < count; row++) {
      int at = zRow + row * rows.width;
      int dyAt = dyRow + row * rows.width;
      gradientRow(z, at, dy, dyAt, width, work, constants, rows.stride, scratch, activation);
      BatchNormRows.gradientSums(
          z,
          at,
          work,
          scratch,
          1,
          0,
          width,
          work,
          constants,
          sums,
          rows.stride,
          Float.NEGATIVE_INFINITY,
          Float.POSITIVE_INFINITY);
    }
  }

  /** Writes one row of dy times the derivative of any activation to scratch of two rows. */
  static void gradientRow(
      float[] z,
      int zRow,
      float[] dy,
      int dyRow,
      int width,
      float[] work,
      int constants,
      int stride,
      int scratch,
      Activation activation) {
    BatchNormRows.apply(
        z,
        zRow,
        work,
        scratch,
        width,
        work,
        constants,
        stride,
        Float.NEGATIVE_INFINITY,
        Float.POSITIVE_INFINITY);
    System.arraycopy(dy, dyRow, work, scratch + stride, width);
    VectorActivation.gradient(work, scratch, scratch + stride, stride, activation);
  }

  private void fold(int from, int to) {
    for (int base = 0; base < rows.width; base += rows.channels) {
      for (int channel = 0; channel < rows.channels; channel++) {
        totals[to + channel] += work[from + base + channel];
      }
    }
  }
}
