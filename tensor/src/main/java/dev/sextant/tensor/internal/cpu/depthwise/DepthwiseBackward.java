package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of the kernel and of the input, either or both, in one pass over the data.
 *
 * <p>A worker goes through the rows of the output's gradient, which it keeps in a ring as padded
 * tiles. Each meets the source rows of another ring in the sums of the kernel's gradient; and as
 * soon as the rows that a row of the input's gradient gathers from are there, it is computed and
 * copied out: as it is, or as g of the norm that the source went through, whose sums are taken on
 * the way.
 *
 * <p>Sums run in float over a slice and then into the worker's totals, so that no chain of float
 * additions gets longer than an image or the batch.
 */
public final class DepthwiseBackward extends DepthwiseTask {
  /** How the output's rows meet the source's. */
  final DepthwisePlan forward = new DepthwisePlan();

  /** How the input's gradient gathers from the output's. */
  public final DepthwisePlan gather = new DepthwisePlan();

  /** The convolution's input. */
  public final DepthwiseSource source = new DepthwiseSource();

  /** The gradient of the convolution's output. */
  public final DepthwiseSource gradient = new DepthwiseSource();

  boolean filterWanted;
  boolean dataWanted;

  /** Whether the input's gradient becomes g of a norm; else it is copied out as it is. */
  boolean reduced;

  /** The input before its norm, where {@link #reduced}. */
  public float[] x = {};

  public int xOffset;

  /** Where x lies instead, and where the input's gradient goes, if both are in scratch memory. */
  public @Nullable DepthwiseSlab xSlab;

  public @Nullable DepthwiseSlab outSlab;

  /** Room for the constants of the input's norm. */
  public int constants;

  /** Room for those of the output's norm. */
  public int outputConstants;

  public Activation activation = Activation.IDENTITY;
  public float[] out = {};
  int outOffset;
  int inHeight;
  int inWidth;

  /** Packed weights, {@code [tile, kernel row, place, lanes]}. */
  public int weights;

  /** A vector of zeros. */
  int zeros;

  /** Sums of g and of g (x - mean) of each worker, {@code [workers, 2, tiles, lanes]}. */
  private double[] sums = {};

  /** Source rows held at once. */
  private int sourceRows() {
    return filterWanted ? forward.ringRows : 0;
  }

  /** Gradient rows held at once. */
  private int gradientRows() {
    return dataWanted ? gather.ringRows : 1;
  }

  private int ringsSize() {
    return (sourceRows() * forward.width + gradientRows() * gather.width) * LANES;
  }

  /** Bytes that the rows of one tile take in the cache. */
  long tileBytes() {
    return (long) ringsSize() * Float.BYTES;
  }

  /** Elements of a worker's totals of the kernel's gradient. */
  private int totalsSize() {
    return filterWanted ? DepthwiseTiles.count(channels) * kernel * kernel * LANES : 0;
  }

  /** Elements of a worker's scratch: totals, rings, sums of a slice, results, rows. */
  int scratchSize() {
    int slices = blockTiles * (ringsSize() + (filterWanted ? kernel * kernel + 2 : 2) * LANES);
    int rows = 2 * Math.max(inWidth, outWidth) + gather.denseColumns;
    return totalsSize() + slices + rows * LANES;
  }

  /** Forgets the sums of the workers. */
  public void reset(int team) {
    int size = team * 2 * DepthwiseTiles.count(channels) * LANES;
    if (sums.length < size) {
      sums = new double[size];
    }
    Arrays.fill(sums, 0, size, 0);
  }

  @Override
  public void slice(
      int worker, int own, int image, int fromRow, int toRow, int fromTile, int toTile) {
    // The rows of the input's gradient are divided in the proportion of the output's.
    int y = (int) ((long) inHeight * fromRow / outHeight);
    int toInput = dataWanted ? (int) ((long) inHeight * toRow / outHeight) : y;
    int first = filterWanted ? fromRow : Integer.MAX_VALUE;
    int end = filterWanted ? toRow : 0;
    for (int i = y; i < toInput; i++) {
      if (gather.rowTaps[i] > 0) {
        first = Math.min(first, gather.firstRow[i]);
        end = Math.max(end, gather.lastRow(i) + 1);
      }
    }
    int next = filterWanted ? forward.firstRow(fromRow, toRow) : 0;
    int line = gather.width * LANES;
    int rows = gradientRows();
    int rings = own + totalsSize();
    int scratch = rings + scratchSize() - totalsSize() - 2 * Math.max(inWidth, outWidth) * LANES;
    for (int row = first; row < end; row++) {
      int at = rings + row % rows * line + gather.left * LANES;
      gradient.load(worker, image, row, fromTile, toTile, work, at, ringsSize(), scratch);
      if (filterWanted && fromRow <= row && row < toRow && forward.rowTaps[row] > 0) {
        for (int last = forward.lastRow(row); next <= last; next++) {
          int to = rings + rows * line + sourceLine(next) + forward.left * LANES;
          source.load(worker, image, next, fromTile, toTile, work, to, ringsSize(), scratch);
        }
        for (int tile = 0; tile < toTile - fromTile; tile++) {
          int ring = rings + tile * ringsSize() + rows * line;
          accumulate(row, ring, at + tile * ringsSize(), filterSums(rings, tile));
        }
      }
      for (; y < toInput && (gather.rowTaps[y] == 0 || gather.lastRow(y) <= row); y++) {
        dataRow(worker, image, y, fromTile, toTile, rings, scratch);
      }
    }
    for (; y < toInput; y++) {
      dataRow(worker, image, y, fromTile, toTile, rings, scratch);
    }
    fold(worker, own, rings, fromTile, toTile);
  }

  private int sourceLine(int row) {
    return row % forward.ringRows * forward.width * LANES;
  }

  /** Where a tile's sums of the kernel's gradient over a slice lie. */
  private int filterSums(int rings, int tile) {
    return rings + blockTiles * ringsSize() + tile * kernel * kernel * LANES;
  }

  /** Where a tile's sums of g over a slice lie; those of g (x - mean) are a plane further. */
  private int normSums(int rings, int tile) {
    return filterSums(rings, filterWanted ? blockTiles : 0) + tile * LANES;
  }

  /** Adds one row's share of the kernel's gradient. */
  private void accumulate(int row, int ring, int gradientRow, int to) {
    int line = sourceLine(forward.firstRow[row]);
    if (kernel == 3 && forward.stride == 1 && forward.rowTaps[row] == 3) {
      int second = sourceLine(forward.firstRow[row] + forward.tapStep);
      int third = sourceLine(forward.lastRow(row));
      for (int phase = 0; phase < forward.phases; phase++) {
        int column = ring + forward.source[phase] * LANES;
        DepthwiseFilterThreeRows.accumulate(
            work,
            column + line,
            column + second,
            column + third,
            forward.tapStep * LANES,
            gradientRow + phase * LANES,
            forward.phases * LANES,
            forward.paddedCount(phase),
            to);
      }
      return;
    }
    for (int tap = 0; tap < forward.rowTaps[row]; tap++) {
      int kernelRow = to + (forward.kernelRow[row] + tap) * kernel * LANES;
      for (int phase = 0; phase < forward.phases; phase++) {
        DepthwiseFilterRow.accumulate(
            kernel,
            forward.stride,
            work,
            ring + line + forward.source[phase] * LANES,
            forward.tapStep * LANES,
            gradientRow + phase * LANES,
            forward.phases * LANES,
            forward.paddedCount(phase),
            kernelRow);
      }
      line += forward.tapStep * forward.width * LANES;
      if (line >= forward.ringRows * forward.width * LANES) {
        line -= forward.ringRows * forward.width * LANES;
      }
    }
  }

  /** Computes a row of the input's gradient. */
  private void dataRow(
      int worker, int image, int y, int fromTile, int toTile, int rings, int scratch) {
    int dense = scratch - gather.denseColumns * LANES;
    int row = (image * inHeight + y) * inWidth * channels;
    int xRow = xSlab == null ? xOffset + row : xSlab.row(worker, y * inWidth, fromTile);
    int outRow = outSlab == null ? outOffset + row : outSlab.row(worker, y * inWidth, fromTile);
    int step = xSlab == null ? channels : xSlab.step;
    int outStep = outSlab == null ? channels : outSlab.step;
    for (int tile = fromTile; tile < toTile; tile++) {
      int weight = weights + (tile * kernel + gather.kernelRow[y]) * kernel * LANES;
      int ring = rings + (tile - fromTile) * ringsSize();
      int first = DepthwiseTiles.channel(tile, channels);
      if (!reduced && channels >= LANES) {
        gather.correlate(
            work,
            ring,
            y,
            work,
            weight,
            kernel * LANES,
            zeros,
            dense,
            out,
            outRow + first,
            channels);
        continue;
      }
      gather.correlate(work, ring, y, work, weight, kernel * LANES, zeros, dense);
      int sum = normSums(rings, tile - fromTile);
      int norm = constants + tile * DepthwiseNormTiles.CONSTANTS;
      for (int phase = 0; phase < gather.phases; phase++) {
        int from = dense + gather.dense[phase] * LANES;
        int at = outRow + first + phase * outStep;
        int apart = gather.phases * outStep;
        if (!reduced) {
          DepthwiseTiles.narrow(work, from, gather.count[phase], channels, out, at, apart);
        } else if (channels >= LANES) {
          int xAt = xRow + first + phase * step;
          reduce(from, x, xAt, gather.phases * step, out, at, apart, phase, norm, sum, scratch);
        } else {
          reduceNarrow(from, row + phase * channels, phase, norm, sum, scratch);
        }
      }
    }
  }

  private void reduceNarrow(int from, int at, int phase, int norm, int sum, int scratch) {
    int step = gather.phases * channels;
    int count = gather.count[phase];
    int wide = scratch + inWidth * LANES;
    DepthwiseTiles.widen(x, xOffset + at, step, count, channels, work, wide);
    reduce(from, work, wide, LANES, work, from, LANES, phase, norm, sum, scratch);
    DepthwiseTiles.narrow(work, from, count, channels, out, outOffset + at, step);
  }

  private void reduce(
      int dy,
      float[] values,
      int from,
      int step,
      float[] to,
      int at,
      int toStep,
      int phase,
      int norm,
      int sum,
      int scratch) {
    int count = gather.count[phase];
    int plane = blockTiles * LANES;
    float low = VectorActivation.low(activation);
    float high = VectorActivation.high(activation);
    if (activation.clamps()) {
      DepthwiseNormTiles.reduce(
          work, dy, values, from, step, count, to, at, toStep, norm, sum, plane, low, high);
    } else {
      DepthwiseNormTiles.normalize(values, from, step, count, work, scratch, norm, low, high);
      VectorActivation.gradient(work, scratch, work, dy, work, scratch, count * LANES, activation);
      DepthwiseNormTiles.reduce(
          work, scratch, values, from, step, count, to, at, toStep, norm, sum, plane, low, high);
    }
  }

  /** Moves the sums of a slice into the worker's totals. */
  private void fold(int worker, int own, int rings, int fromTile, int toTile) {
    if (filterWanted) {
      int size = kernel * kernel * LANES;
      int from = filterSums(rings, 0);
      int to = own + fromTile * size;
      for (int i = 0; i < (toTile - fromTile) * size; i++) {
        work[to + i] += work[from + i];
        work[from + i] = 0;
      }
    }
    if (dataWanted && reduced) {
      int lanes = DepthwiseTiles.count(channels) * LANES;
      int from = normSums(rings, 0);
      int to = worker * 2 * lanes + fromTile * LANES;
      for (int plane = 0; plane < 2; plane++) {
        for (int lane = 0; lane < (toTile - fromTile) * LANES; lane++) {
          sums[to + plane * lanes + lane] += work[from + plane * blockTiles * LANES + lane];
          work[from + plane * blockTiles * LANES + lane] = 0;
        }
      }
    }
  }

  /** Writes the kernel's gradient, adding the workers' totals in their order. */
  public void filterGradient(int team, Tensor dw) {
    int size = totalsSize();
    for (int worker = 1; worker < team; worker++) {
      int from = workers + worker * workerSize;
      for (int i = 0; i < size; i++) {
        work[workers + i] += work[from + i];
      }
    }
    int taps = kernel * kernel;
    for (int tile = 0; tile < DepthwiseTiles.count(channels); tile++) {
      int from = workers + tile * taps * LANES;
      int to = dw.offset() + DepthwiseTiles.channel(tile, channels);
      if (channels >= LANES) {
        DepthwiseTiles.store(work, from, taps, dw.floats(), to, channels);
      } else {
        DepthwiseTiles.narrow(work, from, taps, channels, dw.floats(), to, channels);
      }
    }
  }

  /** A channel's sum of g, or of g (x - mean), adding the workers' in their order. */
  double sum(int team, int plane, int channel) {
    int tiles = DepthwiseTiles.count(channels);
    int tile = channel / LANES;
    int lane = channel - DepthwiseTiles.channel(tile, channels);
    double sum = 0;
    for (int worker = 0; worker < team; worker++) {
      sum += sums[((worker * 2 + plane) * tiles + tile) * LANES + lane];
    }
    return sum;
  }
}
