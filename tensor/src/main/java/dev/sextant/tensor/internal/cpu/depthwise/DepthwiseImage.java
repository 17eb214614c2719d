package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.vector.KernelTable;

/**
 * How an output row of a forward pass is cut into blocks of columns that are summed straight from
 * the image: one at each end of the row, where padding is left out, and those between. The last one
 * may sum again what the one before has.
 */
final class DepthwiseImage {
  private static final int FEWER = KernelTable.DEPTHWISE_FEWER_COLUMNS;

  private int stride;
  private int padding;
  private int columns;

  /** The first column of the last block. */
  private int last;

  /** Blocks between the first and the last one. */
  private int between;

  private int firstKey;
  private int betweenKey;
  private int lastKey;

  /**
   * Plans the rows of a forward pass.
   *
   * @param width of the source
   * @param outWidth of the output
   * @return whether there are kernels for it; if not, nothing else may be asked
   */
  boolean plan(Window window, int width, int outWidth) {
    int taps = window.kernel();
    stride = window.stride();
    padding = window.padding();
    if (window.dilation() != 1
        || padding != taps / 2
        || !KernelTable.DEPTHWISE_TAPS.contains(taps)
        || !KernelTable.DEPTHWISE_STRIDES.contains(stride)
        || outWidth < FEWER) {
      return false;
    }
    boolean eight = outWidth > FEWER && (outWidth % FEWER != 0 || outWidth % (FEWER + 1) == 0);
    columns = eight ? KernelTable.DEPTHWISE_COLUMNS : FEWER;
    last = outWidth - columns;
    // How far the taps of the last column reach over the end.
    int excess = reach(outWidth - 1, taps) - (width - 1);
    if (last == 0) {
      firstKey = key(taps, padding, excess);
      return hasRight(taps, excess);
    }
    between = 0;
    while ((1 + between) * columns < last && reach((2 + between) * columns - 1, taps) < width) {
      between++;
    }
    firstKey = key(taps, padding, 0);
    betweenKey = key(taps, 0, 0);
    lastKey = key(taps, 0, excess);
    return hasRight(taps, excess)
        && (1 + between) * columns >= last
        && reach(columns - 1, taps) < width
        && last * stride >= padding;
  }

  /** The last source column under an output column's taps. */
  private int reach(int column, int taps) {
    return column * stride - padding + taps - 1;
  }

  private boolean hasRight(int taps, int excess) {
    return KernelTable.hasRightOut(taps, stride, excess);
  }

  /** Which kernel: taps, columns of a block, and pixels left out at its left and at its right. */
  private int key(int taps, int left, int right) {
    return ((taps << 4 | columns) << 4 | left) << 4 | right;
  }

  /**
   * Computes one output row for one vector of channels.
   *
   * @param a the array of the image
   * @param row the first pixel of the first source row that is read
   * @param rowStep elements from one source row to the next
   * @param rows kernel rows inside the image
   * @param pixel elements from one pixel of the source to the next
   * @param kernel the array of weights and bias
   * @param weights tap 0 of the first kernel row; its other taps follow
   * @param weightStep elements from one kernel row to the next
   * @param bias what the sums start from
   * @param out where the result goes
   * @param to its column 0
   * @param step elements from one of its columns to the next
   * @param low what is lower becomes this
   * @param high what is higher becomes this
   */
  void row(
      float[] a,
      int row,
      int rowStep,
      int rows,
      int pixel,
      float[] kernel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      float low,
      float high) {
    int left = row - padding * pixel;
    block(
        firstKey,
        a,
        left,
        rowStep,
        rows,
        pixel,
        kernel,
        weights,
        weightStep,
        bias,
        out,
        to,
        step,
        1,
        low,
        high);
    if (last == 0) {
      return;
    }
    if (between > 0) {
      block(
          betweenKey,
          a,
          left + columns * stride * pixel,
          rowStep,
          rows,
          pixel,
          kernel,
          weights,
          weightStep,
          bias,
          out,
          to + columns * step,
          step,
          between,
          low,
          high);
    }
    block(
        lastKey,
        a,
        left + last * stride * pixel,
        rowStep,
        rows,
        pixel,
        kernel,
        weights,
        weightStep,
        bias,
        out,
        to + last * step,
        step,
        1,
        low,
        high);
  }

  private void block(
      int key,
      float[] a,
      int row,
      int rowStep,
      int rows,
      int pixel,
      float[] kernel,
      int weights,
      int weightStep,
      int bias,
      float[] out,
      int to,
      int step,
      int blocks,
      float low,
      float high) {
    if (stride == 1) {
      DepthwiseImageRowStride1.correlate(
          key,
          a,
          row,
          rowStep,
          rows,
          pixel,
          kernel,
          weights,
          weightStep,
          bias,
          out,
          to,
          step,
          blocks,
          low,
          high);
    } else {
      DepthwiseImageRowStride2.correlate(
          key,
          a,
          row,
          rowStep,
          rows,
          pixel,
          kernel,
          weights,
          weightStep,
          bias,
          out,
          to,
          step,
          blocks,
          low,
          high);
    }
  }
}
