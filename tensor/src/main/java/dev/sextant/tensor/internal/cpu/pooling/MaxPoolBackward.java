package dev.sextant.tensor.internal.cpu.pooling;

import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
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
 * <p>The workers divide images and vectors of channels. What is kept of a row is in rings of as
 * many rows as a window spans, a worker's three one after the other, {@link #ringSize} apart: the
 * maxima over the columns of each window, the columns of those maxima (as floats, which compare to
 * masks of floats), and the gradients of those maxima.
 */
final class MaxPoolBackward extends PoolTask {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;

  /** The column of a maximum where a window lies in the padding alone. */
  private static final float NOWHERE = -1;

  /** Floats between two workers' rings, so that they share no cache line. */
  private static final int GAP = 32;

  private final WorkerTeam team;
  private final Memory memory;

  /** The rings of all workers; those of each from {@link #workers} on. */
  private float[] rings = NONE;

  private int workers;
  private int workerSize;
  private int ringRows;
  private int ringSize;

  /** Elements of a row of a ring. */
  private int rowSize;

  private int kernel;
  private int stride;
  private int padding;
  private int dilation;
  private int span;

  MaxPoolBackward(WorkerTeam team, Memory memory) {
    this.team = team;
    this.memory = memory;
  }

  void run(Tensor x, Tensor dy, Window window, Tensor dx) {
    if (dx.size() == 0) {
      return;
    }
    bind(x, dy, dx, x.shape(), dy.shape(), window);
    kernel = window.kernel();
    stride = window.stride();
    padding = window.padding();
    dilation = window.dilation();
    span = window.span();
    rowSize = outWidth * LANES;
    ringRows = Math.min(span, height);
    ringSize = Math.multiplyExact(ringRows, rowSize);
    workerSize = Math.addExact(Math.multiplyExact(3, ringSize), GAP);
    Shape size = Shape.of(Math.multiplyExact(team.threads(), workerSize));
    try (Tensor work = memory.floats(size, Memory.Category.WORKSPACE, "pool.rings")) {
      rings = work.floats();
      workers = work.offset();
      Shares.run(team, this, taps());
    } finally {
      clear();
    }
  }

  @Override
  void clear() {
    super.clear();
    rings = NONE;
  }

  @Override
  public void run(int worker, int workers) {
    int chunks = chunks();
    int own = this.workers + worker * workerSize;
    int to = Shares.begin(images * chunks, 1, worker + 1, workers);
    for (int item = Shares.begin(images * chunks, 1, worker, workers); item < to; item++) {
      image(item / chunks, item % chunks * LANES, own);
    }
  }

  /** The gradient of one vector of channels of one image, with the worker's rings. */
  private void image(int image, int channel, int own) {
    int from = xOffset + image * height * width * channels + channel;
    int windows = dyOffset + image * outHeight * outWidth * channels + channel;
    int to = outOffset + image * height * width * channels + channel;
    int lanes = Math.min(LANES, channels - channel);
    int searched = 0;
    int written = 0;
    for (int row = 0; row < outHeight; row++) {
      int top = row * stride - padding;
      int bottom = Math.min(height, top + span);
      for (searched = Math.max(searched, top); searched < bottom; searched++) {
        int at = ringRow(own, searched);
        search(from + searched * width * channels, lanes, at);
        clearGradients(at);
      }
      share(windows + row * outWidth * channels, top, lanes, own);
      // The pixels above the next row of windows.
      int end = row + 1 < outHeight ? Math.min(height, top + stride) : height;
      for (; written < end; written++) {
        int at = ringRow(own, written);
        if (written >= bottom) {
          // Between two windows or below the last one: no window sees it.
          clearGradients(at);
        }
        gather(at, to + written * width * channels, lanes);
      }
    }
  }

  /** Where the maxima of a row of pixels lie. */
  private int ringRow(int own, int row) {
    return own + row % ringRows * rowSize;
  }

  private void clearGradients(int at) {
    int from = at + 2 * ringSize;
    Arrays.fill(rings, from, from + rowSize, 0);
  }

  /** The maxima of one row of pixels over the columns of each window, and where they are. */
  private void search(int from, int lanes, int at) {
    int interior = Math.min(outWidth, Math.ceilDiv(padding, stride));
    int end = Math.max(interior, Math.floorDiv(width + padding - span, stride) + 1);
    for (int column = 0; column < outWidth; ) {
      int stop = column == interior && kernel == 3 && interior < end ? end : column + 1;
      int left = column * stride - padding;
      int first = left + firstTap(left, dilation) * dilation;
      int last = left + (endTap(left, width, window) - 1) * dilation;
      int to = at + column * LANES;
      if (first > last) {
        Arrays.fill(rings, to + ringSize, to + ringSize + LANES, NOWHERE);
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
            rings,
            to,
            at + stop * LANES,
            ringSize);
      } else {
        searchWindow(x, from, first, last, lanes, rings, to);
      }
      column = stop;
    }
  }

  /** The maximum of one window. */
  private void searchWindow(
      float[] x, int from, int first, int last, int lanes, float[] ring, int at) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector infinity = FloatVector.broadcast(SPECIES, Float.POSITIVE_INFINITY);
    FloatVector most = FloatVector.fromArray(SPECIES, x, from + first * channels, mask);
    FloatVector where = FloatVector.broadcast(SPECIES, (float) first);
    for (int column = first + dilation; column <= last; column += dilation) {
      FloatVector candidate = FloatVector.fromArray(SPECIES, x, from + column * channels, mask);
      VectorMask<Float> number = infinity.compare(VectorOperators.GE, most);
      VectorMask<Float> stays = candidate.compare(VectorOperators.LE, most).or(number.not());
      most = candidate.blend(most, stays);
      where = FloatVector.broadcast(SPECIES, (float) column).blend(where, stays);
    }
    most.intoArray(ring, at);
    where.intoArray(ring, at + ringSize);
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
      float[] ring,
      int at,
      int end,
      int ringSize) {
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
      c.blend(ab, abStays).intoArray(ring, at);
      FloatVector first = FloatVector.broadcast(SPECIES, (float) (column1 + columns));
      FloatVector second = FloatVector.broadcast(SPECIES, (float) (column2 + columns));
      FloatVector.broadcast(SPECIES, (float) (column3 + columns))
          .blend(second.blend(first, aStays), abStays)
          .intoArray(ring, at + ringSize);
    }
  }

  /** Adds the gradients of one row of windows to those of the rows of pixels that won. */
  private void share(int from, int top, int lanes, int own) {
    int first = firstTap(top, dilation);
    int last = endTap(top, height, window) - 1;
    if (first <= last && kernel == 3) {
      shareThree(
          dy,
          from,
          channels,
          lanes,
          rings,
          ringRow(own, top + first * dilation),
          ringRow(own, top + Math.clamp(1, first, last) * dilation),
          ringRow(own, top + last * dilation),
          rowSize,
          2 * ringSize);
    } else if (first <= last) {
      for (int column = 0; column < outWidth; column++) {
        shareWindow(from + column * channels, top, first, last, lanes, own + column * LANES);
      }
    }
  }

  /** Adds the gradient of one window to those of the rows of pixels that won. */
  private void shareWindow(int from, int top, int first, int last, int lanes, int own) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector infinity = FloatVector.broadcast(SPECIES, Float.POSITIVE_INFINITY);
    FloatVector most = FloatVector.fromArray(SPECIES, rings, ringRow(own, top + first * dilation));
    FloatVector where = FloatVector.broadcast(SPECIES, (float) first);
    for (int h = first + 1; h <= last; h++) {
      FloatVector candidate =
          FloatVector.fromArray(SPECIES, rings, ringRow(own, top + h * dilation));
      VectorMask<Float> number = infinity.compare(VectorOperators.GE, most);
      VectorMask<Float> stays = candidate.compare(VectorOperators.LE, most).or(number.not());
      most = candidate.blend(most, stays);
      where = FloatVector.broadcast(SPECIES, (float) h).blend(where, stays);
    }
    FloatVector gradient = FloatVector.fromArray(SPECIES, dy, from, mask);
    for (int h = first; h <= last; h++) {
      int row = ringRow(own, top + h * dilation) + 2 * ringSize;
      VectorMask<Float> wins =
          FloatVector.broadcast(SPECIES, (float) h).compare(VectorOperators.EQ, where);
      FloatVector.fromArray(SPECIES, rings, row).add(gradient, wins).intoArray(rings, row);
    }
  }

  /**
   * Adds the gradients of a row of windows of three taps.
   *
   * @param row1 maxima of a row of pixels; their gradients are {@code gradients} further
   */
  private static void shareThree(
      float[] dy,
      int from,
      int step,
      int lanes,
      float[] ring,
      int row1,
      int row2,
      int row3,
      int size,
      int gradients) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    for (int i = 0; i < size; i += LANES, from += step) {
      FloatVector own = FloatVector.fromArray(SPECIES, dy, from, mask);
      FloatVector a = FloatVector.fromArray(SPECIES, ring, row1 + i);
      FloatVector b = FloatVector.fromArray(SPECIES, ring, row2 + i);
      FloatVector c = FloatVector.fromArray(SPECIES, ring, row3 + i);
      VectorMask<Float> aStays =
          b.compare(VectorOperators.LE, a).or(a.compare(VectorOperators.NE, a));
      FloatVector ab = b.blend(a, aStays);
      VectorMask<Float> abStays =
          c.compare(VectorOperators.LE, ab).or(ab.compare(VectorOperators.NE, ab));
      // One after the other: rows in the padding are replaced, so that two may be the same.
      int to1 = row1 + gradients + i;
      int to2 = row2 + gradients + i;
      int to3 = row3 + gradients + i;
      FloatVector.fromArray(SPECIES, ring, to1).add(own, abStays.and(aStays)).intoArray(ring, to1);
      FloatVector.fromArray(SPECIES, ring, to2)
          .add(own, abStays.andNot(aStays))
          .intoArray(ring, to2);
      FloatVector third = FloatVector.fromArray(SPECIES, ring, to3);
      third.add(own).blend(third, abStays).intoArray(ring, to3);
    }
  }

  /** Writes the gradients of one row of pixels. */
  private void gather(int at, int to, int lanes) {
    int column = 0;
    if (kernel == 3 && stride == 1 && dilation == 1) {
      int interior = Math.max(0, 2 - padding);
      int stop = Math.min(width, outWidth - padding);
      if (interior < stop) {
        gatherPixels(at, 0, interior, to, lanes);
        gatherThree(
            rings,
            at + ringSize + (interior + padding - 2) * LANES,
            ringSize,
            interior,
            stop,
            out,
            to + interior * channels,
            channels,
            lanes);
        column = stop;
      }
    }
    gatherPixels(at, column, width, to, lanes);
  }

  /** Writes the gradients of some pixels of a row. */
  private void gatherPixels(int at, int column, int end, int to, int lanes) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    // The windows that see a pixel; counted on, for a division takes as long as the sum.
    int first = Math.max(0, Math.ceilDiv(column + padding - span + 1, stride));
    int last = Math.min(outWidth - 1, (column + padding) / stride);
    int winners = ringSize;
    int gradients = 2 * ringSize;
    for (; column < end; column++) {
      if (first * stride - padding + span <= column) {
        first++;
      }
      if (last + 1 < outWidth && (last + 1) * stride - padding <= column) {
        last++;
      }
      if (first > last) {
        FloatVector.zero(SPECIES).intoArray(out, to + column * channels, mask);
        continue;
      }
      int i = at + first * LANES;
      VectorMask<Float> loses =
          FloatVector.fromArray(SPECIES, rings, i + winners)
              .compare(VectorOperators.NE, (float) column);
      FloatVector total = FloatVector.fromArray(SPECIES, rings, i + gradients).blend(0f, loses);
      // Outside the loop is the only window that every other pixel of a halved image sees.
      for (i += LANES; i <= at + last * LANES; i += LANES) {
        loses =
            FloatVector.fromArray(SPECIES, rings, i + winners)
                .compare(VectorOperators.NE, (float) column);
        total = FloatVector.fromArray(SPECIES, rings, i + gradients).blend(0f, loses).add(total);
      }
      total.intoArray(out, to + column * channels, mask);
    }
  }

  /**
   * Writes the gradients of pixels that three neighbouring windows see.
   *
   * @param at the columns of maxima; their gradients are {@code ringSize} further
   */
  private static void gatherThree(
      float[] ring,
      int at,
      int ringSize,
      int column,
      int end,
      float[] dx,
      int to,
      int step,
      int lanes) {
    VectorMask<Float> mask = SPECIES.indexInRange(0, lanes);
    FloatVector zero = FloatVector.zero(SPECIES);
    for (; column < end; column++, at += LANES, to += step) {
      VectorMask<Float> a =
          FloatVector.fromArray(SPECIES, ring, at).compare(VectorOperators.EQ, (float) column);
      VectorMask<Float> b =
          FloatVector.fromArray(SPECIES, ring, at + LANES)
              .compare(VectorOperators.EQ, (float) column);
      VectorMask<Float> c =
          FloatVector.fromArray(SPECIES, ring, at + 2 * LANES)
              .compare(VectorOperators.EQ, (float) column);
      int gradients = at + ringSize;
      zero.add(FloatVector.fromArray(SPECIES, ring, gradients), a)
          .add(FloatVector.fromArray(SPECIES, ring, gradients + LANES), b)
          .add(FloatVector.fromArray(SPECIES, ring, gradients + 2 * LANES), c)
          .intoArray(dx, to, mask);
    }
  }
}
