package dev.sextant.tensor.internal.cpu.pooling;

import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.PoolingRules;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Poolings over vectors of channels. A forward pass divides the output rows among the workers; a
 * backward pass divides images and vectors of channels, so that overlapping windows never make two
 * workers write one element.
 */
public final class PoolKernels implements Pooling {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** Pixels averaged in float before they go to a double. */
  private static final int BLOCK = 64;

  private enum Op {
    MAX,
    AVG,
    AVG_BACKWARD,
    GLOBAL_AVG,
    GLOBAL_AVG_BACKWARD
  }

  private final WorkerTeam team;
  private final Share task = new Share();
  private final MaxPoolBackward maxBackward;
  private final float[] scratch;
  private final double[] totals;

  /** Kernels that run on this team and take their scratch from this memory. */
  public PoolKernels(WorkerTeam team, Memory memory) {
    this.team = team;
    maxBackward = new MaxPoolBackward(team, memory);
    scratch = new float[team.threads() * 2 * LANES];
    totals = new double[team.threads() * 2 * LANES];
  }

  @Override
  public void max(Tensor x, Window window, Tensor out) {
    PoolingRules.max(x, window, out);
    run(Op.MAX, x, x, out, x.shape(), out.shape(), window);
  }

  @Override
  public void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    PoolingRules.maxBackward(x, dy, window, dx);
    maxBackward.run(x, dy, window, dx);
  }

  @Override
  public void average(Tensor x, Window window, Tensor out) {
    PoolingRules.average(x, window, out);
    run(Op.AVG, x, x, out, x.shape(), out.shape(), window);
  }

  @Override
  public void averageBackward(Tensor dy, Window window, Tensor dx) {
    PoolingRules.averageBackward(dy, window, dx);
    run(Op.AVG_BACKWARD, dy, dy, dx, dx.shape(), dy.shape(), window);
  }

  @Override
  public void globalAverage(Tensor x, Tensor out) {
    PoolingRules.globalAverage(x, out);
    run(Op.GLOBAL_AVG, x, x, out, x.shape(), x.shape(), Window.POINTWISE);
  }

  @Override
  public void globalAverageBackward(Tensor dy, Tensor dx) {
    PoolingRules.globalAverageBackward(dy, dx);
    run(Op.GLOBAL_AVG_BACKWARD, dy, dy, dx, dx.shape(), dx.shape(), Window.POINTWISE);
  }

  private void run(
      Op op, Tensor x, Tensor dy, Tensor out, Shape image, Shape pooled, Window window) {
    task.op = op;
    task.bind(x, dy, out, image, pooled, window);
    try {
      Shares.run(team, task, task.taps());
    } finally {
      task.clear();
    }
  }

  /** The poolings but the gradient of a maximum. */
  private final class Share extends PoolTask {
    private Op op = Op.MAX;

    @Override
    public void run(int worker, int workers) {
      int chunks = chunks();
      int items =
          switch (op) {
            case MAX, AVG -> images * outHeight;
            case AVG_BACKWARD, GLOBAL_AVG -> images * chunks;
            case GLOBAL_AVG_BACKWARD -> images * height * width;
          };
      int to = Shares.begin(items, 1, worker + 1, workers);
      for (int item = Shares.begin(items, 1, worker, workers); item < to; item++) {
        switch (op) {
          case MAX, AVG -> poolRow(item / outHeight, item % outHeight);
          case AVG_BACKWARD -> scatter(item / chunks, item % chunks * LANES);
          case GLOBAL_AVG -> average(item / chunks, item % chunks * LANES, worker * 2 * LANES);
          case GLOBAL_AVG_BACKWARD -> spread(item);
        }
      }
    }

    /** One row of output pixels. */
    private void poolRow(int image, int row) {
      int dilation = window.dilation();
      int top = row * window.stride() - window.padding();
      int firstH = firstTap(top, dilation);
      int endH = endTap(top, height, window);
      for (int column = 0; column < outWidth; column++) {
        int left = column * window.stride() - window.padding();
        int firstW = firstTap(left, dilation);
        int endW = endTap(left, width, window);
        int corner = xOffset + ((image * height + top) * width + left) * channels;
        int to = outOffset + ((image * outHeight + row) * outWidth + column) * channels;
        if (firstH >= endH || firstW >= endW) {
          Arrays.fill(out, to, to + channels, 0);
        } else if (op == Op.MAX) {
          maxPixel(corner, firstH, endH, firstW, endW, to);
        } else {
          avgPixel(corner, firstH, endH, firstW, endW, to);
        }
      }
    }

    private void maxPixel(int corner, int firstH, int endH, int firstW, int endW, int to) {
      int stepH = window.dilation() * width * channels;
      int stepW = window.dilation() * channels;
      for (int c = 0; c < channels; c += LANES) {
        VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
        FloatVector best = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int h = firstH; h < endH; h++) {
          for (int w = firstW; w < endW; w++) {
            int at = corner + h * stepH + w * stepW + c;
            best = FloatVector.fromArray(SPECIES, x, at, mask).max(best);
          }
        }
        best.intoArray(out, to + c, mask);
      }
    }

    private void avgPixel(int corner, int firstH, int endH, int firstW, int endW, int to) {
      int stepH = window.dilation() * width * channels;
      int stepW = window.dilation() * channels;
      float inverse = 1f / ((endH - firstH) * (endW - firstW));
      for (int c = 0; c < channels; c += LANES) {
        VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int h = firstH; h < endH; h++) {
          for (int w = firstW; w < endW; w++) {
            int at = corner + h * stepH + w * stepW + c;
            sum = FloatVector.fromArray(SPECIES, x, at, mask).add(sum);
          }
        }
        sum.mul(inverse).intoArray(out, to + c, mask);
      }
    }

    /** The gradient of one vector of channels of one image. */
    private void scatter(int image, int channel) {
      VectorMask<Float> mask = SPECIES.indexInRange(channel, channels);
      int start = image * height * width * channels + channel;
      for (int pixel = 0; pixel < height * width; pixel++) {
        FloatVector.zero(SPECIES).intoArray(out, outOffset + start + pixel * channels, mask);
      }
      int dilation = window.dilation();
      int from = dyOffset + image * outHeight * outWidth * channels + channel;
      for (int row = 0; row < outHeight; row++) {
        int top = row * window.stride() - window.padding();
        int firstH = firstTap(top, dilation);
        int endH = endTap(top, height, window);
        for (int column = 0; column < outWidth; column++, from += channels) {
          int left = column * window.stride() - window.padding();
          int firstW = firstTap(left, dilation);
          int endW = endTap(left, width, window);
          if (firstH < endH && firstW < endW) {
            int corner = start + (top * width + left) * channels;
            scatterWindow(from, corner, firstH, endH, firstW, endW, channel);
          }
        }
      }
    }

    private void scatterWindow(
        int from, int corner, int firstH, int endH, int firstW, int endW, int channel) {
      VectorMask<Float> mask = SPECIES.indexInRange(channel, channels);
      FloatVector gradient = FloatVector.fromArray(SPECIES, dy, from, mask);
      int stepH = window.dilation() * width * channels;
      int stepW = window.dilation() * channels;
      FloatVector share = gradient.mul(1f / ((endH - firstH) * (endW - firstW)));
      for (int h = firstH; h < endH; h++) {
        for (int w = firstW; w < endW; w++) {
          int at = outOffset + corner + h * stepH + w * stepW;
          FloatVector.fromArray(SPECIES, out, at, mask).add(share).intoArray(out, at, mask);
        }
      }
    }

    /** The mean over the pixels of one image of one vector of channels. */
    private void average(int image, int channel, int lanes) {
      VectorMask<Float> mask = SPECIES.indexInRange(channel, channels);
      int pixels = height * width;
      int start = xOffset + image * pixels * channels + channel;
      Arrays.fill(totals, lanes, lanes + LANES, 0);
      for (int block = 0; block < pixels; block += BLOCK) {
        int end = Math.min(pixels, block + BLOCK);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int pixel = block; pixel < end; pixel++) {
          sum = FloatVector.fromArray(SPECIES, x, start + pixel * channels, mask).add(sum);
        }
        sum.intoArray(scratch, lanes);
        for (int lane = lanes; lane < lanes + LANES; lane++) {
          totals[lane] += scratch[lane];
        }
      }
      int to = outOffset + image * channels + channel;
      for (int lane = 0; lane < Math.min(LANES, channels - channel); lane++) {
        out[to + lane] = pixels == 0 ? 0 : (float) (totals[lanes + lane] / pixels);
      }
    }

    /** One pixel's share of the gradient of a mean over its image. */
    private void spread(int pixel) {
      int pixels = height * width;
      float inverse = 1f / pixels;
      int from = xOffset + pixel / pixels * channels;
      int to = outOffset + pixel * channels;
      int bound = SPECIES.loopBound(channels);
      int c = 0;
      for (; c < bound; c += LANES) {
        FloatVector.fromArray(SPECIES, x, from + c).mul(inverse).intoArray(out, to + c);
      }
      for (; c < channels; c++) {
        out[to + c] = x[from + c] * inverse;
      }
    }
  }
}
