package dev.sextant.tensor.internal.cpu.channels;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.ChannelRules;
import dev.sextant.tensor.family.Channels;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Kernels that treat channels alike over the pixels of {@code [.., C]}. Sums over pixels run in
 * float for {@link #BLOCK} rows at a time, then in double.
 */
public final class ChannelKernels implements Channels {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** Rows summed in float before they go to a double. */
  private static final int BLOCK = 64;

  private enum Op {
    ADD_BIAS,
    CHANNEL_SUM,
    SCALE_CHANNELS,
    CHANNEL_DOT,
    COPY_CHANNELS
  }

  private final WorkerTeam team;
  private final Share task = new Share();
  private final float[] scratch;
  private double[][] sums;

  public ChannelKernels(WorkerTeam team) {
    this.team = team;
    // A whole cache line apart, whatever the vector length.
    scratch = new float[team.threads() * 2 * LANES];
    sums = new double[team.threads()][LANES];
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    ChannelRules.addBias(x, bias, out);
    run(Op.ADD_BIAS, x, bias, out, x.shape().rows());
  }

  @Override
  public void sum(Tensor x, Tensor out) {
    ChannelRules.sum(x, out);
    int channels = out.size();
    if (sums[0].length < channels) {
      sums = new double[team.threads()][channels];
    }
    for (double[] partial : sums) {
      Arrays.fill(partial, 0, channels, 0);
    }
    run(Op.CHANNEL_SUM, x, x, out, x.shape().rows());
    float[] totals = out.floats();
    for (int c = 0; c < channels; c++) {
      double total = 0;
      for (double[] partial : sums) {
        total += partial[c];
      }
      totals[out.offset() + c] = (float) total;
    }
  }

  @Override
  public void scale(Tensor x, Tensor s, Tensor out) {
    ChannelRules.scale(x, s, out);
    task.pixels = x.shape().get(1) * x.shape().get(2);
    run(Op.SCALE_CHANNELS, x, s, out, x.shape().rows());
  }

  @Override
  public void dot(Tensor a, Tensor b, Tensor out) {
    ChannelRules.dot(a, b, out);
    task.pixels = a.shape().get(1) * a.shape().get(2);
    int chunks = (a.shape().channels() + LANES - 1) / LANES;
    run(Op.CHANNEL_DOT, a, b, out, a.shape().get(0) * chunks);
  }

  @Override
  public void copy(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    ChannelRules.copy(from, fromChannel, to, toChannel, count);
    task.fromChannel = fromChannel;
    task.toChannel = toChannel;
    task.toChannels = to.shape().channels();
    task.count = count;
    run(Op.COPY_CHANNELS, from, from, to, from.shape().rows());
  }

  private void run(Op op, Tensor a, Tensor b, Tensor out, int items) {
    task.op = op;
    task.a = a.floats();
    task.aOffset = a.offset();
    task.b = b.floats();
    task.bOffset = b.offset();
    task.out = out.floats();
    task.outOffset = out.offset();
    task.items = items;
    task.channels = a.shape().channels();
    Shares.run(team, task, a.size());
  }

  /** The operands of the call in progress; kept, so that a call allocates nothing. */
  private final class Share implements WorkerTeam.Task {
    private Op op = Op.ADD_BIAS;
    private float[] a = {};
    private float[] b = {};
    private float[] out = {};
    private int aOffset;
    private int bOffset;
    private int outOffset;
    private int items;
    private int channels;
    private int pixels;
    private int fromChannel;
    private int toChannel;
    private int toChannels;
    private int count;

    @Override
    public void run(int worker, int workers) {
      int from = Shares.begin(items, 1, worker, workers);
      int to = Shares.begin(items, 1, worker + 1, workers);
      int lanes = worker * 2 * LANES;
      switch (op) {
        case ADD_BIAS -> {
          for (int row = from; row < to; row++) {
            int at = row * channels;
            addRow(a, aOffset + at, b, bOffset, out, outOffset + at, channels);
          }
        }
        case CHANNEL_SUM -> {
          for (int row = from; row < to; row += BLOCK) {
            int end = Math.min(to, row + BLOCK);
            sumRows(a, aOffset + row * channels, end - row, channels, sums[worker], lanes);
          }
        }
        case SCALE_CHANNELS -> {
          for (int row = from; row < to; row++) {
            int at = row * channels;
            int factors = bOffset + row / pixels * channels;
            scaleRow(a, aOffset + at, b, factors, out, outOffset + at, channels);
          }
        }
        case CHANNEL_DOT -> {
          int chunks = (channels + LANES - 1) / LANES;
          for (int item = from; item < to; item++) {
            dot(item / chunks, item % chunks * LANES, sums[worker], lanes);
          }
        }
        case COPY_CHANNELS -> {
          for (int row = from; row < to; row++) {
            System.arraycopy(
                a,
                aOffset + row * channels + fromChannel,
                out,
                outOffset + row * toChannels + toChannel,
                count);
          }
        }
      }
    }

    /** One image's inner products for one vector of channels. */
    private void dot(int image, int channel, double[] totals, int lanes) {
      VectorMask<Float> mask = SPECIES.indexInRange(channel, channels);
      int width = Math.min(LANES, channels - channel);
      int start = image * pixels * channels + channel;
      Arrays.fill(totals, 0, width, 0);
      for (int pixel = 0; pixel < pixels; pixel += BLOCK) {
        int end = Math.min(pixels, pixel + BLOCK);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int p = pixel; p < end; p++) {
          int at = start + p * channels;
          sum =
              FloatVector.fromArray(SPECIES, a, aOffset + at, mask)
                  .fma(FloatVector.fromArray(SPECIES, b, bOffset + at, mask), sum);
        }
        sum.intoArray(scratch, lanes);
        for (int lane = 0; lane < width; lane++) {
          totals[lane] += scratch[lanes + lane];
        }
      }
      for (int lane = 0; lane < width; lane++) {
        out[outOffset + image * channels + channel + lane] = (float) totals[lane];
      }
    }
  }

  private static void addRow(
      float[] x, int xi, float[] bias, int bi, float[] out, int oi, int channels) {
    int bound = SPECIES.loopBound(channels);
    int c = 0;
    for (; c < bound; c += LANES) {
      FloatVector.fromArray(SPECIES, x, xi + c)
          .add(FloatVector.fromArray(SPECIES, bias, bi + c))
          .intoArray(out, oi + c);
    }
    for (; c < channels; c++) {
      out[oi + c] = x[xi + c] + bias[bi + c];
    }
  }

  private static void scaleRow(
      float[] x, int xi, float[] factors, int fi, float[] out, int oi, int channels) {
    int bound = SPECIES.loopBound(channels);
    int c = 0;
    for (; c < bound; c += LANES) {
      FloatVector.fromArray(SPECIES, x, xi + c)
          .mul(FloatVector.fromArray(SPECIES, factors, fi + c))
          .intoArray(out, oi + c);
    }
    for (; c < channels; c++) {
      out[oi + c] = x[xi + c] * factors[fi + c];
    }
  }

  /** totals[c] += the sum of at most {@link #BLOCK} rows. */
  private void sumRows(float[] x, int xi, int rows, int channels, double[] totals, int lanes) {
    for (int c = 0; c < channels; c += LANES) {
      VectorMask<Float> mask = SPECIES.indexInRange(c, channels);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int row = 0; row < rows; row++) {
        sum = FloatVector.fromArray(SPECIES, x, xi + row * channels + c, mask).add(sum);
      }
      sum.intoArray(scratch, lanes);
      int width = Math.min(LANES, channels - c);
      for (int lane = 0; lane < width; lane++) {
        totals[c + lane] += scratch[lanes + lane];
      }
    }
  }
}
