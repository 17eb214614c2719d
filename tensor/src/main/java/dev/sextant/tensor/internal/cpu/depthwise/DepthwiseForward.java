package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass.
 *
 * <p>An image that lies open is read where it is ({@link DepthwiseImage}). Of others a worker keeps
 * the source rows that one output row needs as padded tiles in a ring, brings each row into it once
 * and computes an output row tile by tile. Where there is more to do, it copies that out from the
 * first-level cache: through the activation, or taking the statistics.
 */
public final class DepthwiseForward extends DepthwiseTask {
  public final DepthwisePlan plan = new DepthwisePlan();
  public final DepthwiseSource source = new DepthwiseSource();
  final DepthwiseImage image = new DepthwiseImage();

  /** Whether {@link #image} has a plan of the pass. */
  boolean planned;

  public final DepthwiseStatistics statistics = new DepthwiseStatistics();

  float[] out = {};
  int outOffset;

  /** For each worker what its own rows of the output lie further on than in the tensor, or null. */
  int @Nullable [] outShifts;

  Activation activation = Activation.IDENTITY;

  /** Whether statistics are taken. */
  public boolean measured;

  /** The array of weights and biases. */
  float[] kernels = {};

  /** Packed weights, {@code [tile, kernel row, place, lanes]}. */
  public int weights;

  /** What each tile's sums start from. */
  int biases;

  /** Room for the constants of the input's norm. */
  public int constants;

  /** Elements of a worker's scratch: ring, results, scratch of the source, shifts and sums. */
  int scratchSize() {
    int ring = plan.ringRows * plan.width;
    return (blockTiles * ring + plan.denseColumns + 2 * source.width + 3 * blockTiles) * LANES;
  }

  /** Clears the columns beside the image: all else is written before it is read. */
  @Override
  public void start(int worker) {
    if (readsImage()) {
      return;
    }
    int own = own(worker);
    int line = plan.width * LANES;
    int left = plan.left * LANES;
    int right = left + source.width * LANES;
    for (int at = own; at < own + blockTiles * plan.ringRows * line; at += line) {
      Arrays.fill(work, at, at + left, 0f);
      Arrays.fill(work, at + right, at + line, 0f);
    }
  }

  private boolean readsImage() {
    return planned && !measured && activation.clamps() && source.liesOpen();
  }

  /** Computes some rows of all tiles of an image. */
  public void rows(int worker, int of, int fromRow, int toRow) {
    int tiles = DepthwiseTiles.count(channels);
    for (int tile = 0; tile < tiles; tile += blockTiles) {
      slice(worker, own(worker), of, fromRow, toRow, tile, Math.min(tiles, tile + blockTiles));
    }
  }

  /** The first row of the source that some output rows read. */
  public int firstSource(int fromRow, int toRow) {
    return plan.firstRow(fromRow, toRow);
  }

  /**
   * The row behind the last that some output rows read; not beyond {@link #firstSource} if none.
   */
  public int endSource(int fromRow, int toRow) {
    int end = 0;
    for (int y = fromRow; y < toRow; y++) {
      if (plan.rowTaps[y] > 0) {
        end = Math.max(end, plan.lastRow(y) + 1);
      }
    }
    return end;
  }

  @Override
  public void slice(int worker, int own, int of, int fromRow, int toRow, int fromTile, int toTile) {
    if (readsImage()) {
      open(worker, of, fromRow, toRow, fromTile, toTile);
      return;
    }
    int line = plan.width * LANES;
    int ringSize = plan.ringRows * line;
    int dense = own + blockTiles * ringSize;
    int scratch = dense + plan.denseColumns * LANES;
    int shift = scratch + 2 * source.width * LANES;
    boolean direct = !measured && activation == Activation.IDENTITY && channels >= LANES;
    int next = plan.firstRow(fromRow, toRow);
    for (int y = fromRow; y < toRow; y++) {
      int taps = plan.rowTaps[y];
      if (taps > 0) {
        for (int last = plan.lastRow(y); next <= last; next++) {
          int to = own + next % plan.ringRows * line + plan.left * LANES;
          source.load(worker, of, next, fromTile, toTile, work, to, ringSize, scratch);
        }
      }
      int row = outRow(worker, of, y);
      for (int tile = fromTile; tile < toTile; tile++) {
        int ring = own + (tile - fromTile) * ringSize;
        int weight = weights + (tile * kernel + plan.kernelRow[y]) * kernel * LANES;
        int bias = biases + tile * LANES;
        int to = row + DepthwiseTiles.channel(tile, channels);
        if (direct) {
          plan.correlate(
              work, ring, y, kernels, weight, kernel * LANES, bias, dense, out, to, channels);
          continue;
        }
        plan.correlate(work, ring, y, kernels, weight, kernel * LANES, bias, dense);
        if (measured) {
          int at = shift + (tile - fromTile) * LANES;
          if (y == fromRow) {
            rowMean(dense, at);
          }
          storeMeasured(dense, to, at);
        } else {
          store(dense, to);
        }
      }
    }
    if (measured) {
      int count = (toRow - fromRow) * outWidth;
      int plane = blockTiles * LANES;
      statistics.add(worker, fromTile, toTile - fromTile, work, shift, plane, count);
    }
  }

  private int outRow(int worker, int of, int y) {
    int row = outOffset + (of * outHeight + y) * outWidth * channels;
    return row + (outShifts == null ? 0 : outShifts[worker]);
  }

  private void open(int worker, int of, int fromRow, int toRow, int fromTile, int toTile) {
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    int weightStep = kernel * LANES;
    for (int y = fromRow; y < toRow; y++) {
      int from = source.row(worker, of, plan.firstRow[y]);
      int to = outRow(worker, of, y);
      for (int tile = fromTile; tile < toTile; tile++) {
        int first = DepthwiseTiles.channel(tile, channels);
        image.row(
            source.array(),
            from + first,
            source.width * channels,
            plan.rowTaps[y],
            channels,
            kernels,
            weights + (tile * kernel + plan.kernelRow[y]) * weightStep,
            weightStep,
            biases + tile * LANES,
            out,
            to + first,
            channels,
            low,
            high);
      }
    }
  }

  private void store(int dense, int to) {
    boolean wide = channels >= LANES;
    if (!wide || !activation.clamps()) {
      VectorActivation.apply(work, dense, plan.denseColumns * LANES, activation);
    }
    for (int phase = 0; phase < plan.phases; phase++) {
      int from = dense + plan.dense[phase] * LANES;
      int at = to + phase * channels;
      int step = plan.phases * channels;
      if (wide) {
        DepthwiseTiles.store(
            work,
            from,
            plan.count[phase],
            out,
            at,
            step,
            VectorActivation.low(activation),
            VectorActivation.high(activation));
      } else {
        DepthwiseTiles.narrow(work, from, plan.count[phase], channels, out, at, step);
      }
    }
  }

  /**
   * Starts the sums of a slice: its first row's mean becomes the shift. Whatever the data are, n
   * rows whose first has a mean that far from theirs have a variance of at least 1/n its square, so
   * that a variance loses at most a factor n of its digits.
   */
  private void rowMean(int dense, int shift) {
    int plane = blockTiles * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      work[shift + lane] = 0;
      work[shift + plane + lane] = 0;
      work[shift + 2 * plane + lane] = 0;
    }
    for (int phase = 0; phase < plan.phases; phase++) {
      int from = dense + plan.dense[phase] * LANES;
      DepthwiseNormTiles.sum(work, from, plan.count[phase], shift);
    }
    for (int lane = 0; lane < LANES; lane++) {
      work[shift + lane] /= outWidth;
    }
  }

  private void storeMeasured(int dense, int to, int shift) {
    int plane = blockTiles * LANES;
    for (int phase = 0; phase < plan.phases; phase++) {
      int from = dense + plan.dense[phase] * LANES;
      int count = plan.count[phase];
      int at = to + phase * channels;
      int step = plan.phases * channels;
      if (channels >= LANES) {
        DepthwiseNormTiles.moments(work, from, count, out, at, step, shift, plane);
      } else {
        DepthwiseNormTiles.moments(work, from, count, work, from, LANES, shift, plane);
        DepthwiseTiles.narrow(work, from, count, channels, out, at, step);
      }
    }
  }
}
