package dev.sextant.tensor.internal.cpu;

import java.util.Arrays;

/**
 * The gradient of the kernel: a worker's share of the output rows, in one pass over the data.
 *
 * <p>The source rows are kept as in {@link DepthwiseCorrelation}; a gradient row is copied into a
 * dense row, zero past its end. Sums run over one image at a time and then into the worker's
 * totals, so that no chain of float additions gets longer than an image or the batch.
 */
final class DepthwiseFilterGradient implements WorkerTeam.Task {
  private static final int LANES = DepthwiseTiles.LANES;

  final DepthwisePlan plan;

  float[] source = {};
  int sourceOffset;
  int sourceHeight;
  int sourceWidth;
  float[] gradient = {};
  int gradientOffset;
  int outHeight;
  int outWidth;
  int images;
  int channels;
  int kernel;

  /** Each worker's totals {@code [tiles, k, k, lanes]}, ring, dense row and sums of an image. */
  float[] work = {};

  int workers;
  int workerSize;
  int blockTiles;

  DepthwiseFilterGradient(DepthwisePlan plan) {
    this.plan = plan;
  }

  @Override
  public void run(int worker, int team) {
    long rows = (long) images * outHeight;
    int from = (int) (rows * worker / team);
    int to = (int) (rows * (worker + 1) / team);
    int tiles = DepthwiseTiles.count(channels);
    int totals = workers + worker * workerSize;
    Arrays.fill(work, totals, totals + workerSize, 0f);
    while (from < to) {
      int image = from / outHeight;
      int end = Math.min(to, (image + 1) * outHeight);
      for (int tile = 0; tile < tiles; tile += blockTiles) {
        block(
            image,
            from - image * outHeight,
            end - image * outHeight,
            tile,
            Math.min(tiles, tile + blockTiles),
            totals);
      }
      from = end;
    }
  }

  private void block(int image, int fromRow, int toRow, int fromTile, int toTile, int totals) {
    int line = plan.width * LANES;
    int ringSize = plan.ringRows * line;
    int kernelSize = kernel * kernel * LANES;
    int ring = totals + DepthwiseTiles.count(channels) * kernelSize;
    int dense = ring + blockTiles * ringSize;
    int denseSize = plan.denseColumns * LANES;
    int sums = dense + blockTiles * denseSize;
    int lanes = Math.min(channels, toTile * LANES) - fromTile * LANES;
    int next = DepthwiseRing.firstRow(plan, fromRow, toRow);
    for (int y = fromRow; y < toRow; y++) {
      int taps = plan.rowTaps[y];
      if (taps == 0) {
        continue;
      }
      for (int last = plan.lastRow(y); next <= last; next++) {
        DepthwiseTiles.load(
            source,
            sourceOffset
                + ((image * sourceHeight + next) * sourceWidth) * channels
                + fromTile * LANES,
            sourceWidth,
            channels,
            lanes,
            work,
            ring + next % plan.ringRows * line + plan.left * LANES,
            ringSize);
      }
      int row = gradientOffset + ((image * outHeight + y) * outWidth) * channels + fromTile * LANES;
      for (int phase = 0; phase < plan.phases; phase++) {
        DepthwiseTiles.load(
            gradient,
            row + phase * channels,
            plan.count[phase],
            plan.phases * channels,
            lanes,
            work,
            dense + plan.dense[phase] * LANES,
            denseSize);
      }
      int slot = plan.firstRow[y] % plan.ringRows * line;
      for (int tile = 0; tile < toTile - fromTile; tile++) {
        accumulate(
            y,
            taps,
            ring + tile * ringSize,
            slot,
            ringSize,
            dense + tile * denseSize,
            sums + tile * kernelSize);
      }
    }
    int to = totals + fromTile * kernelSize;
    for (int i = 0; i < (toTile - fromTile) * kernelSize; i++) {
      work[to + i] += work[sums + i];
      work[sums + i] = 0;
    }
  }

  private void accumulate(int y, int taps, int base, int slot, int ringSize, int dense, int sums) {
    int line = slot;
    for (int tap = 0; tap < taps; tap++) {
      int to = sums + (plan.kernelRow[y] + tap) * kernel * LANES;
      for (int phase = 0; phase < plan.phases; phase++) {
        DepthwiseFilterRow.accumulate(
            kernel,
            plan.stride,
            work,
            base + line + plan.source[phase] * LANES,
            plan.tapStep * LANES,
            dense + plan.dense[phase] * LANES,
            plan.paddedCount(phase),
            to);
      }
      line += plan.tapStep * plan.width * LANES;
      if (line >= ringSize) {
        line -= ringSize;
      }
    }
  }
}
