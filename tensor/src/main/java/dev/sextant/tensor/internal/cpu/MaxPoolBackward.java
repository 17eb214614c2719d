package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The gradient of a maximum pooling: to the first maximum of each window in row-major order; a NaN
 * counts as one.
 *
 * <p>A window's maximum is the maximum over its rows of the maxima over its columns, and the
 * gradient goes back the same way: each window hands it to the row of pixels that won, for its
 * column of windows, and a row that all its windows have served hands it to the pixels that won.
 * For a 3x3 window that is two comparisons in each direction instead of eight for the window, and
 * each pixel is written once.
 *
 * <p>A maximum stays where the next candidate is less or equal or the maximum is NaN, so that what
 * wins is the first.
 *
 * <p>The workers divide images and vectors of channels. What is kept of a row is in a ring of as
 * many rows as a window spans.
 */
final class MaxPoolBackward implements WorkerTeam.Task {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final VectorSpecies<Integer> COLUMNS =
      VectorSpecies.of(int.class, SPECIES.vectorShape());
  private static final int LANES = SPECIES.length();

  /** The column of a maximum where a window lies in the padding alone. */
  private static final int NOWHERE = -1;

  private final WorkerTeam team;

  /** For each worker the maxima over the columns of each window: rows of a ring. */
  private final float[][] maxima;

  /** For each worker the columns of those maxima. */
  private final int[][] winners;

  /** For each worker the gradients of those maxima. */
  private final float[][] gradients;

  private Window window = Window.POINTWISE;
  private float[] x = {};
  private float[] dy = {};
  private float[] dx = {};
  private int xOffset;
  private int dyOffset;
  private int dxOffset;
  private int images;
  private int height;
  private int width;
  private int channels;
  private int outHeight;
  private int outWidth;
  private int kernel;
  private int stride;
  private int padding;
  private int dilation;
  private int span;

  /** Elements of a row of a ring. */
  private int rowSize;

  MaxPoolBackward(WorkerTeam team) {
    this.team = team;
    maxima = new float[team.threads()][0];
    winners = new int[team.threads()][0];
    gradients = new float[team.threads()][0];
  }

  void run(Tensor x, Tensor dy, Window window, Tensor dx) {
    Shape image = x.shape();
    Shape pooled = dy.shape();
    this.x = x.floats();
    this.dy = dy.floats();
    this.dx = dx.floats();
    xOffset = x.offset();
    dyOffset = dy.offset();
    dxOffset = dx.offset();
    images = image.get(0);
    height = image.get(1);
    width = image.get(2);
    channels = image.get(3);
    outHeight = pooled.get(1);
    outWidth = pooled.get(2);
    this.window = window;
    kernel = window.kernel();
    stride = window.stride();
    padding = window.padding();
    dilation = window.dilation();
    span = window.span();
    rowSize = outWidth * LANES;
    for (int worker = 0; worker < team.threads(); worker++) {
      if (maxima[worker].length < span * rowSize) {
        maxima[worker] = new float[span * rowSize];
        winners[worker] = new int[span * rowSize];
        gradients[worker] = new float[span * rowSize];
      }
    }
    Shares.run(team, this, (long) pooled.size() * kernel * kernel);
  }

  @Override
  public void run(int worker, int workers) {
    int chunks = (channels + LANES - 1) / LANES;
    int to = Shares.begin(images * chunks, 1, worker + 1, workers);
    for (int item = Shares.begin(images * chunks, 1, worker, workers); item < to; item++) {
      image(
          item / chunks, item % chunks * LANES, maxima[worker], winners[worker], gradients[worker]);
    }
  }

  /** The gradient of one vector of channels of one image. */
  private void image(int image, int channel, float[] best, int[] winner, float[] gradient) {
    int from = xOffset + image * height * width * channels + channel;
    int windows = dyOffset + image * outHeight * outWidth * channels + channel;
    int to = dxOffset + image * height * width * channels + channel;
    int lanes = Math.min(LANES, channels - channel);
    int searched = 0;
    int written = 0;
    for (int row = 0; row < outHeight; row++) {
      int top = row * stride - padding;
      int bottom = Math.min(height, top + span);
      for (searched = Math.max(searched, top); searched < bottom; searched++) {
        int at = searched % span * rowSize;
        search(from + searched * width * channels, lanes, best, winner, at);
        Arrays.fill(gradient, at, at + rowSize, 0);
      }
      share(windows + row * outWidth * channels, top, lanes, best, gradient);
      // The pixels above the next row of windows.
      int end = row + 1 < outHeight ? Math.min(height, top + stride) : height;
      for (; written < end; written++) {
        int at = written % span * rowSize;
        if (written >= bottom) {
          // Between two windows or below the last one: no window sees it.
          Arrays.fill(gradient, at, at + rowSize, 0);
        }
        gather(winner, gradient, at, to + written * width * channels, lanes);
      }
    }
  }

  /** The maxima of one row of pixels over the columns of each window, and where they are. */
  private void search(int from, int lanes, float[] best, int[] winner, int at) {
    int interior = Math.min(outWidth, Math.ceilDiv(padding, stride));
    int end = Math.max(interior, Math.floorDiv(width + padding - span, stride) + 1);
    for (int column = 0; column < outWidth; ) {
      int stop = column == interior && kernel == 3 && interior < end ? end : column + 1;
      int left = column * stride - padding;
      int first = left + PoolKernels.firstTap(left, dilation) * dilation;
      int last = left + (PoolKernels.endTap(left, width, window) - 1) * dilation;
      int to = at + column * LANES;
      if (first > last) {
        IntVector.broadcast(COLUMNS, NOWHERE).intoArray(winner, to);
      } else if (kernel == 3) {
        // A tap in the padding is replaced by its neighbour, which cannot beat itself.
        int second = Math.clamp(left + dilation, first, last);
        searchThree(
            x,
            from + first * channels,
            from + second * channels,
            from + last * channels,
            stride * channels,
            lanes,
            first,
            second,
            last,
            stride,
            best,
            winner,
            to,
            at + stop * LANES);
      } else {
        searchWindow(x, from, first, last, lanes, best, winner, to);
      }
      column = stop;
    }
  }

  /** The maximum of one window. */
  private void searchWindow(
      float[] x, int from, int first, int last, int lanes, float[] best, int[] winner, int at) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector most = FloatVector.fromArray(SPECIES, x, from + first * channels, mask);
    IntVector where = IntVector.broadcast(COLUMNS, first);
    for (int column = first + dilation; column <= last; column += dilation) {
      FloatVector candidate = FloatVector.fromArray(SPECIES, x, from + column * channels, mask);
      VectorMask<Float> stays =
          candidate.compare(VectorOperators.LE, most).or(most.compare(VectorOperators.NE, most));
      most = candidate.blend(most, stays);
      where = IntVector.broadcast(COLUMNS, column).blend(where, stays.cast(COLUMNS));
    }
    most.intoArray(best, at);
    where.intoArray(winner, at);
  }

  /** The maxima of windows of three taps. */
  private static void searchThree(
      float[] x,
      int from1,
      int from2,
      int from3,
      int step,
      int lanes,
      int column1,
      int column2,
      int column3,
      int stride,
      float[] best,
      int[] winner,
      int at,
      int end) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    int moved = 0;
    int columns = 0;
    for (; at < end; at += LANES, moved += step, columns += stride) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, from1 + moved, mask);
      FloatVector b = FloatVector.fromArray(SPECIES, x, from2 + moved, mask);
      FloatVector c = FloatVector.fromArray(SPECIES, x, from3 + moved, mask);
      VectorMask<Float> aStays =
          b.compare(VectorOperators.LE, a).or(a.compare(VectorOperators.NE, a));
      FloatVector ab = b.blend(a, aStays);
      VectorMask<Float> abStays =
          c.compare(VectorOperators.LE, ab).or(ab.compare(VectorOperators.NE, ab));
      c.blend(ab, abStays).intoArray(best, at);
      IntVector first = IntVector.broadcast(COLUMNS, column1 + columns);
      IntVector second = IntVector.broadcast(COLUMNS, column2 + columns);
      IntVector.broadcast(COLUMNS, column3 + columns)
          .blend(second.blend(first, aStays.cast(COLUMNS)), abStays.cast(COLUMNS))
          .intoArray(winner, at);
    }
  }

  /** Adds the gradients of one row of windows to those of the rows of pixels that won. */
  private void share(int from, int top, int lanes, float[] best, float[] gradient) {
    int first = PoolKernels.firstTap(top, dilation);
    int last = PoolKernels.endTap(top, height, window) - 1;
    if (first <= last && kernel == 3) {
      shareThree(
          dy,
          from,
          channels,
          lanes,
          best,
          gradient,
          (top + first * dilation) % span * rowSize,
          (top + Math.clamp(1, first, last) * dilation) % span * rowSize,
          (top + last * dilation) % span * rowSize,
          rowSize);
    } else if (first <= last) {
      for (int column = 0; column < outWidth; column++) {
        shareWindow(
            from + column * channels, top, first, last, lanes, best, gradient, column * LANES);
      }
    }
  }

  /** Adds the gradient of one window to those of the rows of pixels that won. */
  private void shareWindow(
      int from, int top, int first, int last, int lanes, float[] best, float[] gradient, int at) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector most =
        FloatVector.fromArray(SPECIES, best, (top + first * dilation) % span * rowSize + at);
    IntVector where = IntVector.broadcast(COLUMNS, first);
    for (int h = first + 1; h <= last; h++) {
      FloatVector candidate =
          FloatVector.fromArray(SPECIES, best, (top + h * dilation) % span * rowSize + at);
      VectorMask<Float> stays =
          candidate.compare(VectorOperators.LE, most).or(most.compare(VectorOperators.NE, most));
      most = candidate.blend(most, stays);
      where = IntVector.broadcast(COLUMNS, h).blend(where, stays.cast(COLUMNS));
    }
    FloatVector own = FloatVector.fromArray(SPECIES, dy, from, mask);
    for (int h = first; h <= last; h++) {
      int row = (top + h * dilation) % span * rowSize + at;
      FloatVector.fromArray(SPECIES, gradient, row)
          .add(own, where.compare(VectorOperators.EQ, h).cast(SPECIES))
          .intoArray(gradient, row);
    }
  }

  /** Adds the gradients of a row of windows of three taps. */
  private static void shareThree(
      float[] dy,
      int from,
      int step,
      int lanes,
      float[] best,
      float[] gradient,
      int row1,
      int row2,
      int row3,
      int size) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    for (int i = 0; i < size; i += LANES, from += step) {
      FloatVector own = FloatVector.fromArray(SPECIES, dy, from, mask);
      FloatVector a = FloatVector.fromArray(SPECIES, best, row1 + i);
      FloatVector b = FloatVector.fromArray(SPECIES, best, row2 + i);
      FloatVector c = FloatVector.fromArray(SPECIES, best, row3 + i);
      VectorMask<Float> aStays =
          b.compare(VectorOperators.LE, a).or(a.compare(VectorOperators.NE, a));
      FloatVector ab = b.blend(a, aStays);
      VectorMask<Float> abStays =
          c.compare(VectorOperators.LE, ab).or(ab.compare(VectorOperators.NE, ab));
      // One after the other: rows in the padding are replaced, so that two may be the same.
      FloatVector.fromArray(SPECIES, gradient, row1 + i)
          .add(own, abStays.and(aStays))
          .intoArray(gradient, row1 + i);
      FloatVector.fromArray(SPECIES, gradient, row2 + i)
          .add(own, abStays.andNot(aStays))
          .intoArray(gradient, row2 + i);
      FloatVector third = FloatVector.fromArray(SPECIES, gradient, row3 + i);
      third.add(own).blend(third, abStays).intoArray(gradient, row3 + i);
    }
  }

  /** Writes the gradients of one row of pixels. */
  private void gather(int[] winner, float[] gradient, int at, int to, int lanes) {
    int column = 0;
    if (kernel == 3 && stride == 1 && dilation == 1) {
      int interior = Math.max(0, 2 - padding);
      int stop = Math.min(width, outWidth - padding);
      if (interior < stop) {
        gatherPixels(winner, gradient, at, 0, interior, to, lanes);
        gatherThree(
            winner,
            gradient,
            at + (interior + padding - 2) * LANES,
            interior,
            stop,
            dx,
            to + interior * channels,
            channels,
            lanes);
        column = stop;
      }
    }
    gatherPixels(winner, gradient, at, column, width, to, lanes);
  }

  /** Writes the gradients of some pixels of a row. */
  private void gatherPixels(
      int[] winner, float[] gradient, int at, int column, int end, int to, int lanes) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    // The windows that see a pixel; counted on, for a division takes as long as the sum.
    int first = Math.max(0, Math.ceilDiv(column + padding - span + 1, stride));
    int last = Math.min(outWidth - 1, (column + padding) / stride);
    for (; column < end; column++) {
      if (first * stride - padding + span <= column) {
        first++;
      }
      if (last + 1 < outWidth && (last + 1) * stride - padding <= column) {
        last++;
      }
      FloatVector total = FloatVector.zero(SPECIES);
      for (int from = at + first * LANES; from <= at + last * LANES; from += LANES) {
        total =
            total.add(
                FloatVector.fromArray(SPECIES, gradient, from),
                IntVector.fromArray(COLUMNS, winner, from)
                    .compare(VectorOperators.EQ, column)
                    .cast(SPECIES));
      }
      total.intoArray(dx, to + column * channels, mask);
    }
  }

  /** Writes the gradients of pixels that three neighbouring windows see. */
  private static void gatherThree(
      int[] winner,
      float[] gradient,
      int at,
      int column,
      int end,
      float[] dx,
      int to,
      int step,
      int lanes) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector zero = FloatVector.zero(SPECIES);
    for (; column < end; column++, at += LANES, to += step) {
      VectorMask<Integer> a =
          IntVector.fromArray(COLUMNS, winner, at).compare(VectorOperators.EQ, column);
      VectorMask<Integer> b =
          IntVector.fromArray(COLUMNS, winner, at + LANES).compare(VectorOperators.EQ, column);
      VectorMask<Integer> c =
          IntVector.fromArray(COLUMNS, winner, at + 2 * LANES).compare(VectorOperators.EQ, column);
      zero.add(FloatVector.fromArray(SPECIES, gradient, at), a.cast(SPECIES))
          .add(FloatVector.fromArray(SPECIES, gradient, at + LANES), b.cast(SPECIES))
          .add(FloatVector.fromArray(SPECIES, gradient, at + 2 * LANES), c.cast(SPECIES))
          .intoArray(dx, to, mask);
    }
  }
}
