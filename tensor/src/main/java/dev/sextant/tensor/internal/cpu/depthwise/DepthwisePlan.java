package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Window;
import java.util.Arrays;

/**
 * How a depthwise kernel's taps meet its source, along rows and along columns; reused from call to
 * call.
 *
 * <p>Every case is made into a dense correlation. With stride s, dilation d, g = gcd(s, d), s' = s
 * / g and d' = d / g, output x = q + d' n of the forward pass reads source s q + d (s' n + tap) -
 * padding: for each phase q a dense row of stride s' over pixels that are d apart. The gradient at
 * x of the input gathers from (x + padding - d tap) / s where that divides: the taps of one residue
 * class modulo s', last one first, over gradients that are d' apart; phases are s d' apart and have
 * stride 1.
 */
final class DepthwisePlan {
  private Window window = Window.POINTWISE;
  private boolean gather;
  private boolean fewer;
  private int divisor = 1;

  /** Taps from one output column of a phase to the next. */
  int stride;

  /** Source pixels from one tap to the next. */
  int tapStep;

  /** Kernel rows from one tap to the next, negative where the kernel is flipped. */
  int kernelStep;

  /** Number of column phases, also the output columns from one entry of a phase to the next. */
  int phases;

  /** Entries of each phase. */
  int[] count = new int[1];

  /** Padded source column under tap 0 of the first entry of each phase. */
  int[] source = new int[1];

  /** Taps of each phase. */
  int[] taps = new int[1];

  /** Place of each phase's first tap in a packed kernel row. */
  int[] weight = new int[1];

  /** Place of each phase's first entry in the row of results. */
  int[] dense = new int[1];

  /** Kernel column at each place of a packed kernel row. */
  int[] packed = new int[1];

  /** Zero columns left of the source. */
  int left;

  /** Columns of a padded source row. */
  int width;

  /** Output columns of each phase that are summed at a time. */
  private int[] columns = new int[1];

  /** Columns of the dense row, each phase padded to a multiple of its {@link #columns}. */
  int denseColumns;

  /** First source row inside the image that each output row reads. */
  int[] firstRow = new int[1];

  /** Kernel rows of each output row that are inside the image. */
  int[] rowTaps = new int[1];

  /** Kernel row that meets {@link #firstRow}. */
  int[] kernelRow = new int[1];

  /** Source rows that must be held at once. */
  int ringRows;

  private int tapFirst;
  private int tapCount;
  private int tapKernel;

  /**
   * out[y, x] from x: the forward pass, from {@code h x w} to {@code outH x outW}.
   *
   * @param exact whether a row may be cut into fewer columns than {@link DepthwiseRow#COLUMNS} that
   *     divide it; the gradient of a filter goes by those
   */
  void forward(Window forward, int h, int w, int outH, int outW, boolean exact) {
    window = forward;
    fewer = exact;
    gather = false;
    divisor = gcd(forward.stride(), forward.dilation());
    stride = forward.stride() / divisor;
    tapStep = forward.dilation();
    kernelStep = 1;
    phases = forward.dilation() / divisor;
    packed = grown(packed, forward.kernel());
    for (int i = 0; i < forward.kernel(); i++) {
      packed[i] = i;
    }
    planColumns(w, outW);
    planRows(h, outH);
  }

  /** dx from dy {@code outH x outW}: the gather at input positions {@code h x w}. */
  void backwardData(Window forward, int h, int w, int outH, int outW) {
    window = forward;
    fewer = false;
    gather = true;
    divisor = gcd(forward.stride(), forward.dilation());
    int classes = forward.stride() / divisor;
    stride = 1;
    tapStep = forward.dilation() / divisor;
    kernelStep = -classes;
    phases = forward.stride() * tapStep;
    packed = grown(packed, forward.kernel());
    int place = 0;
    for (int first = 0; first < Math.min(classes, forward.kernel()); first++) {
      for (int i = lastOfClass(first); i >= 0; i -= classes) {
        packed[place++] = i;
      }
    }
    planColumns(outW, w);
    planRows(outH, h);
  }

  private int lastOfClass(int first) {
    return first + (window.kernel() - 1 - first) / -kernelStep * -kernelStep;
  }

  /** Finds the taps of one output position, whatever the extent of the source. */
  private void locate(int at) {
    int k = window.kernel();
    if (!gather) {
      tapFirst = at * window.stride() - window.padding();
      tapCount = k;
      tapKernel = 0;
      return;
    }
    tapFirst = 0;
    tapCount = 0;
    tapKernel = 0;
    int classes = -kernelStep;
    int padded = at + window.padding();
    for (int first = 0; first < Math.min(classes, k); first++) {
      if ((padded - first * window.dilation()) % window.stride() == 0) {
        tapKernel = lastOfClass(first);
        tapCount = (tapKernel - first) / classes + 1;
        tapFirst = (padded - tapKernel * window.dilation()) / window.stride();
        return;
      }
    }
  }

  private void planColumns(int in, int out) {
    count = grown(count, phases);
    columns = grown(columns, phases);
    source = grown(source, phases);
    taps = grown(taps, phases);
    weight = grown(weight, phases);
    dense = grown(dense, phases);
    denseColumns = 0;
    int lowest = 0;
    int highest = in - 1;
    for (int phase = 0; phase < phases; phase++) {
      locate(phase);
      count[phase] = phase < out ? (out - 1 - phase) / phases + 1 : 0;
      source[phase] = tapFirst;
      taps[phase] = tapCount;
      weight[phase] = place(tapKernel);
      dense[phase] = denseColumns;
      columns[phase] = columns(phase);
      int padded = paddedCount(phase);
      denseColumns += padded;
      if (padded > 0 && tapCount > 0) {
        lowest = Math.min(lowest, tapFirst);
        highest = Math.max(highest, tapFirst + ((padded - 1) * stride + tapCount - 1) * tapStep);
      }
    }
    left = -lowest;
    width = highest - lowest + 1;
    for (int phase = 0; phase < phases; phase++) {
      source[phase] += left;
    }
  }

  private int columns(int phase) {
    boolean divide =
        count[phase] % DepthwiseRow.FEWER == 0 && count[phase] % DepthwiseRow.COLUMNS != 0;
    return fewer && divide && DepthwiseRow.hasFewer(stride, taps[phase])
        ? DepthwiseRow.FEWER
        : DepthwiseRow.COLUMNS;
  }

  /** Entries of a phase, padded to whole blocks of columns. */
  int paddedCount(int phase) {
    return (count[phase] + columns[phase] - 1) / columns[phase] * columns[phase];
  }

  private int place(int kernelColumn) {
    int place = 0;
    while (packed[place] != kernelColumn) {
      place++;
    }
    return place;
  }

  private void planRows(int in, int out) {
    firstRow = grown(firstRow, out);
    rowTaps = grown(rowTaps, out);
    kernelRow = grown(kernelRow, out);
    ringRows = 1;
    int lastRead = 0;
    for (int y = 0; y < out; y++) {
      locate(y);
      int skipped = tapFirst < 0 ? (-tapFirst + tapStep - 1) / tapStep : 0;
      int end = tapFirst < in ? Math.min(tapCount, (in - 1 - tapFirst) / tapStep + 1) : 0;
      rowTaps[y] = Math.max(0, end - skipped);
      if (rowTaps[y] == 0) {
        firstRow[y] = lastRead;
        kernelRow[y] = 0;
        continue;
      }
      firstRow[y] = tapFirst + skipped * tapStep;
      kernelRow[y] = tapKernel + skipped * kernelStep;
      lastRead = Math.max(lastRead, lastRow(y));
      ringRows = Math.max(ringRows, lastRead - firstRow[y] + 1);
    }
  }

  /** The last source row that an output row with taps reads. */
  int lastRow(int y) {
    return firstRow[y] + (rowTaps[y] - 1) * tapStep;
  }

  /** Whether a packed kernel row is the kernel row itself. */
  boolean packedInOrder() {
    return !gather;
  }

  /** The first source row that any of these output rows reads. */
  int firstRow(int fromRow, int toRow) {
    int first = Integer.MAX_VALUE;
    for (int y = fromRow; y < toRow; y++) {
      if (rowTaps[y] > 0) {
        first = Math.min(first, firstRow[y]);
      }
    }
    return first;
  }

  /** Output columns from the first to the last of the phases' padded entries. */
  int paddedColumns() {
    int columns = 0;
    for (int phase = 0; phase < phases; phase++) {
      columns = Math.max(columns, phase + (paddedCount(phase) - 1) * phases + 1);
    }
    return columns;
  }

  /** Pads source rows with zeros to hold at least that many columns after the zeros on the left. */
  void cover(int columns) {
    width = Math.max(width, left + columns);
  }

  /**
   * Computes one row of results for one tile, phase after phase from {@link #dense} on.
   *
   * @param a the workspace
   * @param ring the tile's ring of padded source rows
   * @param y the output row
   * @param kernel the array of packed weights and biases
   * @param weights the tile's packed kernel row that {@link #kernelRow} names
   * @param weightRow elements of a packed kernel row
   * @param bias what the sums start from
   */
  void correlate(
      float[] a, int ring, int y, float[] kernel, int weights, int weightRow, int bias, int to) {
    int lanes = DepthwiseTiles.LANES;
    for (int phase = 0; phase < phases; phase++) {
      int at = to + dense[phase] * lanes;
      int blocks = paddedCount(phase) / columns[phase];
      correlate(a, ring, y, phase, 0, kernel, weights, weightRow, bias, a, at, lanes, blocks);
    }
  }

  /**
   * Computes one row of results for one tile to where it belongs. The cache then fetches the lines
   * written while the next columns are summed, which a copy made afterwards would wait for.
   *
   * @param rest a place in the workspace for {@link DepthwiseRow#COLUMNS} results
   * @param out where column 0 of the tile is to go, from {@code to} on
   * @param step elements from one column to the next
   */
  void correlate(
      float[] a,
      int ring,
      int y,
      float[] kernel,
      int weights,
      int weightRow,
      int bias,
      int rest,
      float[] out,
      int to,
      int step) {
    for (int phase = 0; phase < phases; phase++) {
      int blocks = count[phase] / columns[phase];
      int more = count[phase] % columns[phase];
      int at = to + phase * step;
      int next = phases * step;
      correlate(a, ring, y, phase, 0, kernel, weights, weightRow, bias, out, at, next, blocks);
      if (more > 0) {
        int lanes = DepthwiseTiles.LANES;
        correlate(a, ring, y, phase, blocks, kernel, weights, weightRow, bias, a, rest, lanes, 1);
        at += blocks * columns[phase] * next;
        DepthwiseTiles.store(a, rest, more, out, at, next);
      }
    }
  }

  /** Computes some blocks of a phase. */
  private void correlate(
      float[] a,
      int ring,
      int y,
      int phase,
      int fromBlock,
      float[] kernel,
      int weights,
      int weightRow,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks) {
    int line = width * DepthwiseTiles.LANES;
    int column = source[phase] + fromBlock * columns[phase] * stride * tapStep;
    int shift = ring + column * DepthwiseTiles.LANES;
    DepthwiseRow.correlate(
        stride,
        taps[phase],
        a,
        shift + firstRow[y] % ringRows * line,
        shift + ringRows * line,
        ringRows * line,
        tapStep * line,
        rowTaps[y],
        tapStep * DepthwiseTiles.LANES,
        kernel,
        weights + weight[phase] * DepthwiseTiles.LANES,
        kernelStep * weightRow,
        bias,
        out,
        to,
        step,
        columns[phase],
        blocks);
  }

  private static int[] grown(int[] array, int length) {
    return array.length >= length ? array : Arrays.copyOf(array, length);
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
