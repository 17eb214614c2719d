package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Activation;
import java.util.Arrays;

/**
 * The forward pass and the gradient of the input: a worker's share of the output rows.
 *
 * <p>A worker goes through its rows once for each block of channels. It keeps the source rows that
 * one output row needs as padded tiles in a ring that fits the first-level cache, loads each row
 * into it once, computes a dense output row tile by tile and copies that out through the
 * activation.
 */
final class DepthwiseCorrelation implements WorkerTeam.Task {
  private static final int LANES = DepthwiseTiles.LANES;

  final DepthwisePlan plan;

  float[] source = {};
  int sourceOffset;
  int sourceHeight;
  int sourceWidth;
  float[] out = {};
  int outOffset;
  int outHeight;
  int outWidth;
  int images;
  int channels;
  int kernel;
  Activation activation = Activation.IDENTITY;

  /** Packed weights, then biases, then each worker's ring and dense row. */
  float[] work = {};

  int weights;
  int biases;
  int workers;
  int workerSize;
  int blockTiles;

  DepthwiseCorrelation(DepthwisePlan plan) {
    this.plan = plan;
  }

  @Override
  public void run(int worker, int team) {
    long rows = (long) images * outHeight;
    int from = (int) (rows * worker / team);
    int to = (int) (rows * (worker + 1) / team);
    int ring = workers + worker * workerSize;
    Arrays.fill(work, ring, ring + workerSize, 0f);
    while (from < to) {
      int image = from / outHeight;
      int end = Math.min(to, (image + 1) * outHeight);
      int tiles = DepthwiseTiles.count(channels);
      for (int tile = 0; tile < tiles; tile += blockTiles) {
        block(
            image,
            from - image * outHeight,
            end - image * outHeight,
            tile,
            Math.min(tiles, tile + blockTiles),
            ring);
      }
      from = end;
    }
  }

  private void block(int image, int fromRow, int toRow, int fromTile, int toTile, int ring) {
    int line = plan.width * LANES;
    int ringSize = plan.ringRows * line;
    int dense = ring + blockTiles * ringSize;
    int lanes = Math.min(channels, toTile * LANES) - fromTile * LANES;
    int next = DepthwiseRing.firstRow(plan, fromRow, toRow);
    for (int y = fromRow; y < toRow; y++) {
      int taps = plan.rowTaps[y];
      if (taps > 0) {
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
      }
      int row = outOffset + ((image * outHeight + y) * outWidth) * channels;
      int slot = plan.firstRow[y] % plan.ringRows * line;
      for (int tile = fromTile; tile < toTile; tile++) {
        int base = ring + (tile - fromTile) * ringSize;
        correlate(y, taps, base + slot, base + ringSize, ringSize, tile, dense);
        if (!VectorActivation.isClamp(activation)) {
          VectorActivation.apply(work, dense, plan.denseColumns * LANES, activation);
        }
        store(row, tile, dense);
      }
    }
  }

  private void correlate(
      int y, int taps, int firstLine, int ringEnd, int ringSize, int tile, int dense) {
    int weightRow = kernel * LANES;
    int first = weights + (tile * kernel + plan.kernelRow[y]) * weightRow;
    for (int phase = 0; phase < plan.phases; phase++) {
      DepthwiseRow.correlate(
          plan.stride,
          plan.taps[phase],
          work,
          firstLine + plan.source[phase] * LANES,
          ringEnd + plan.source[phase] * LANES,
          ringSize,
          plan.tapStep * plan.width * LANES,
          taps,
          plan.tapStep * LANES,
          first + plan.weight[phase] * LANES,
          plan.kernelStep * weightRow,
          biases + tile * LANES,
          dense + plan.dense[phase] * LANES,
          plan.paddedCount(phase) / DepthwiseRow.COLUMNS);
    }
  }

  private void store(int row, int tile, int dense) {
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    for (int phase = 0; phase < plan.phases; phase++) {
      DepthwiseTiles.store(
          work,
          dense + plan.dense[phase] * LANES,
          plan.count[phase],
          channels - tile * LANES,
          out,
          row + phase * channels + tile * LANES,
          plan.phases * channels,
          low,
          high);
    }
  }
}
