package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.batchnorm.ChannelSums;
import dev.sextant.tensor.internal.cpu.batchnorm.NormPlanes;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.gemm.PartialSum;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.CacheLines;
import org.jspecify.annotations.Nullable;

/**
 * Pointwise convolutions between batch norms, x = [M, K] to z = [M, N], a few hundred pixels at a
 * time: their x goes through its norm while it is packed, the product follows while the
 * second-level cache holds them, and the sums of what the product left there follow that. Neither
 * the normalised x, nor the gradient of z, nor the z of an inner product is ever whole in memory.
 *
 * <p>Pixels are cut among the workers, so that sums and products are the same from run to run.
 * Called from one thread at a time.
 */
final class NormalizedPointwise {
  /** Floats of the operands and the product of a block: a quarter of 1 MiB. */
  private static final int BLOCK_FLOATS = 1 << 16;

  /** Pixels in a block are a multiple of the tallest micro-kernels' rows. */
  private static final int QUANTUM = 36;

  /** Most pixels in a block, in quanta. */
  private static final int MOST_QUANTA = 8;

  private static final float[] NONE = {};

  private final WorkerTeam team;
  private final GemmKernels gemm;
  private final GemmBlock[] blocks;

  /** Those of a second product in the same pass. */
  private final GemmBlock[] secondBlocks;

  private final float[][] scratch;
  private final NormPlanes in = new NormPlanes();
  private final NormPlanes out = new NormPlanes();
  private final ChannelSums inSums;
  private final ChannelSums outSums;
  private final PartialSum partialSum = new PartialSum();
  private final Forward forward = new Forward();
  private final Data data = new Data();
  private final Filter filter = new Filter();

  private int pixels;
  private int inputs;
  private int outputs;
  private int step;

  /** Of the convolution's input, whether it goes through its norm. */
  private boolean normalizes;

  private float[] x = NONE;
  private int ix;
  private float[] z = NONE;
  private int iz;
  private float[] g = NONE;
  private int ig;
  private float[] space = NONE;
  private int ispace;
  private int spacePerWorker;

  NormalizedPointwise(WorkerTeam team, Memory memory) {
    this.team = team;
    gemm = new GemmKernels(team, memory);
    inSums = new ChannelSums(in, team.threads());
    outSums = new ChannelSums(out, team.threads());
    blocks = GemmBlock.forTeam(team.threads());
    secondBlocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
  }

  /** result = conv(norm(input), w), with its mean and variance. */
  void conv2d(
      Tensor input,
      @Nullable BatchNorm norm,
      Tensor w,
      Tensor result,
      Tensor mean,
      Tensor variance) {
    sizes(input, result);
    int planes = in.size() + out.size();
    int sums = outSums.size(ChannelSums.Kind.MOMENTS);
    try (Tensor work = workspace(planes + sums, step * inputs);
        Tensor _ = bindWeights(blocks, w, false)) {
      bindInput(input, norm, work);
      z = result.floats();
      iz = result.offset();
      sampleMean(mean);
      out.at(work.floats(), work.offset() + in.size());
      out.mean(mean.floats(), mean.offset());
      outSums.start(ChannelSums.Kind.MOMENTS, work.offset() + planes);
      forward.keeps = true;
      team.run(forward);
      outSums.total();
      BatchNormKernels.moments(outSums, pixels, mean, variance);
    } finally {
      clear();
    }
  }

  /** The inner product of dy with the batch norm of conv(norm(input), w). */
  double innerProduct(
      Tensor input,
      @Nullable BatchNorm norm,
      Tensor w,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    sizes(input, dy);
    int planes = in.size() + out.size();
    int sums = outSums.size(ChannelSums.Kind.PRODUCTS);
    try (Tensor work = workspace(planes + sums, step * (inputs + outputs));
        Tensor _ = bindWeights(blocks, w, false)) {
      bindInput(input, norm, work);
      g = dy.floats();
      ig = dy.offset();
      out.at(work.floats(), work.offset() + in.size());
      out.mean(shift.floats(), shift.offset());
      outSums.start(ChannelSums.Kind.PRODUCTS, work.offset() + planes);
      forward.keeps = false;
      team.run(forward);
      outSums.total();
      return BatchNormKernels.innerProduct(outSums, pixels, gamma, beta, epsilon);
    } finally {
      clear();
    }
  }

  /** gx from g and z of the output's norm, with the sums of the input's norm if it has one. */
  void backwardData(
      Tensor gradients,
      Tensor raw,
      NormGradient gradient,
      Tensor w,
      Tensor input,
      @Nullable NormGradient into,
      Tensor gx) {
    sizes(input, raw);
    int planes = in.size() + out.size();
    int rows = team.threads() * in.rows.stride;
    int sums = inSums.size(ChannelSums.Kind.GRADIENTS);
    try (Tensor work = workspace(planes + rows + sums, step * outputs);
        Tensor _ = bindWeights(blocks, w, true)) {
      bindInput(input, into == null ? null : into.norm(), work);
      bindGradient(gradients, raw, gradient, work);
      inSums.start(ChannelSums.Kind.GRADIENTS, work.offset() + planes + rows);
      data.gx = gx.floats();
      data.igx = gx.offset();
      data.rows = work.offset() + planes;
      team.run(data);
      if (into != null) {
        inSums.total();
        BatchNormKernels.gradients(inSums, into.norm(), into.dgamma(), into.dbeta());
      }
    } finally {
      clear();
    }
  }

  /** dw = norm(input) transposed times the gradient of z. */
  void backwardFilter(
      Tensor input,
      @Nullable BatchNorm norm,
      Tensor gradients,
      Tensor raw,
      NormGradient gradient,
      Tensor dw) {
    sizes(input, raw);
    int planes = in.size() + out.size();
    filter.reduces = false;
    try (Tensor work = workspace(planes, filter.space());
        Tensor _ = bindFilter(dw)) {
      bindInput(input, norm, work);
      bindGradient(gradients, raw, gradient, work);
      team.run(filter);
      team.run(partialSum);
    } finally {
      clear();
    }
  }

  /**
   * The sums of the input's norm from g and z of the output's norm, dw if it is wanted, and the
   * input's g if it is to be kept.
   */
  void backwardReduce(
      Tensor gradients,
      Tensor raw,
      NormGradient gradient,
      Tensor w,
      Tensor input,
      NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor kept) {
    if (input.size() == 0 || raw.size() == 0) {
      BatchNormKernels.zero(into.dgamma());
      BatchNormKernels.zero(into.dbeta());
      if (dw != null) {
        BatchNormKernels.zero(dw);
      }
      return;
    }
    sizes(input, raw);
    int planes = in.size() + out.size();
    int rows = team.threads() * in.rows.stride;
    int sums = inSums.size(ChannelSums.Kind.GRADIENTS);
    filter.reduces = true;
    try (Tensor work = workspace(planes + rows + sums, filter.space() + step * inputs);
        Tensor _ = bindWeights(secondBlocks, w, true);
        Tensor _ = bindFilter(dw)) {
      bindInput(input, into.norm(), work);
      bindGradient(gradients, raw, gradient, work);
      inSums.start(ChannelSums.Kind.GRADIENTS, work.offset() + planes + rows);
      filter.scratchRows = work.offset() + planes;
      filter.keeps = kept != null;
      filter.kept = kept == null ? NONE : kept.floats();
      filter.ikept = kept == null ? 0 : kept.offset();
      team.run(filter);
      if (dw != null) {
        team.run(partialSum);
      }
      inSums.total();
      BatchNormKernels.gradients(inSums, into.norm(), into.dgamma(), into.dbeta());
    } finally {
      clear();
    }
  }

  /** Points the team at partial products, in workspace to close; none if dw is not wanted. */
  private @Nullable Tensor bindFilter(@Nullable Tensor dw) {
    filter.wanted = dw != null;
    if (dw == null) {
      return null;
    }
    boolean swap =
        GemmKernels.tilingCost(outputs, inputs) < GemmKernels.tilingCost(inputs, outputs);
    filter.swap = swap;
    filter.rows = swap ? outputs : inputs;
    filter.columns = swap ? inputs : outputs;
    int vectors = (filter.columns + GemmBlock.LANES - 1) / GemmBlock.LANES;
    filter.stride = vectors * GemmBlock.LANES;
    int partial = filter.rows * filter.stride;
    Tensor partials = gemm.workspace(Math.multiplyExact(blocks.length, partial), "conv.partials");
    for (int i = 0; i < blocks.length; i++) {
      blocks[i].c(partials.floats(), partials.offset() + i * partial, filter.stride, false);
    }
    partialSum.from(
        partials.floats(), partials.offset(), blocks.length, filter.stride, filter.swap);
    partialSum.to(dw.floats(), dw.offset(), inputs, outputs, false);
    return partials;
  }

  private void sizes(Tensor input, Tensor output) {
    pixels = output.shape().rows();
    inputs = input.shape().channels();
    outputs = output.shape().channels();
    int quanta = BLOCK_FLOATS / (QUANTUM * (inputs + outputs));
    step = Math.min(pixels, QUANTUM * Math.clamp(quanta, 1, MOST_QUANTA));
    in.view(inputs);
    out.view(outputs);
  }

  private Tensor workspace(int shared, int perWorker) {
    spacePerWorker = perWorker;
    Tensor work =
        gemm.workspace(
            Math.addExact(shared, Math.multiplyExact(blocks.length, perWorker)), "conv.normalized");
    space = work.floats();
    ispace = work.offset() + shared;
    return work;
  }

  private @Nullable Tensor bindWeights(GemmBlock[] to, Tensor w, boolean transposed) {
    GemmBlock first = to[0];
    first.sizes(pixels, transposed ? inputs : outputs, transposed ? outputs : inputs);
    Tensor bound = gemm.bindB(first, w, transposed);
    for (int i = 1; i < to.length; i++) {
      to[i].shareB(first);
    }
    return bound;
  }

  private void bindInput(Tensor input, @Nullable BatchNorm norm, Tensor work) {
    x = input.floats();
    ix = input.offset();
    in.at(work.floats(), work.offset());
    normalizes = norm != null;
    if (norm != null) {
      in.set(norm);
    }
  }

  private void bindGradient(Tensor gradients, Tensor raw, NormGradient gradient, Tensor work) {
    g = gradients.floats();
    ig = gradients.offset();
    z = raw.floats();
    iz = raw.offset();
    out.at(work.floats(), work.offset() + in.size());
    out.set(gradient.norm(), gradient.dgamma(), gradient.dbeta(), pixels);
  }

  private void clear() {
    for (int i = 0; i < blocks.length; i++) {
      blocks[i].clear();
      secondBlocks[i].clear();
    }
    in.clear();
    out.clear();
    partialSum.clear();
    data.gx = NONE;
    filter.kept = NONE;
    x = NONE;
    z = NONE;
    g = NONE;
    space = NONE;
  }

  /** The mean of z over some pixels spread over the batch: what its moments are taken about. */
  private void sampleMean(Tensor mean) {
    int samples = Math.min(Math.min(BatchNormKernels.SAMPLES, pixels), step);
    GemmBlock block = blocks[0];
    for (int i = 0; i < samples; i++) {
      int pixel = (int) ((long) pixels * i / samples);
      System.arraycopy(x, ix + pixel * inputs, space, ispace + i * inputs, inputs);
    }
    if (normalizes) {
      in.apply(space, ispace, space, ispace, samples * inputs);
    }
    // Into z, whose first rows are written again afterwards.
    block.a(space, ispace, inputs, 1);
    block.c(z, iz, outputs, false);
    block.run(0, samples, 0, block.vectors(), scratch[0]);
    for (int c = 0; c < outputs; c++) {
      double sum = 0;
      for (int i = 0; i < samples; i++) {
        sum += z[iz + i * outputs + c];
      }
      mean.floats()[mean.offset() + c] = (float) (sum / samples);
    }
  }

  /** Points a block at pixels of x, normalised into the worker's space if x has a norm. */
  private void packInput(GemmBlock block, int from, int count, int mine) {
    if (normalizes) {
      in.apply(x, ix + from * inputs, space, mine, count * inputs);
      block.a(space, mine, inputs, 1);
    } else {
      block.a(x, ix + from * inputs, inputs, 1);
    }
  }

  /**
   * Brings a block into the cache before it is worked on; measured: gradients take 10 to 15 % less
   * time.
   */
  private void touch(int worker, float[] a, int from, int count) {
    scratch[worker][0] = CacheLines.touch(a, from, count);
  }

  /** The blocks of a worker's share of the pixels. */
  private abstract class Blocks implements WorkerTeam.Task {
    @Override
    public final void run(int worker, int workers) {
      int to = GemmKernels.cut(pixels, worker + 1, workers);
      int mine = ispace + worker * spacePerWorker;
      for (int from = GemmKernels.cut(pixels, worker, workers); from < to; from += step) {
        run(worker, from, Math.min(step, to - from), mine);
      }
    }

    /** Does a block of pixels with the worker's space. */
    abstract void run(int worker, int from, int count, int mine);
  }

  private final class Forward extends Blocks {
    /** Whether z is kept and its moments are taken, or else its products with dy. */
    private boolean keeps;

    @Override
    void run(int worker, int from, int count, int mine) {
      GemmBlock block = blocks[worker];
      packInput(block, from, count, mine);
      int at = from * outputs;
      float[] product = keeps ? z : space;
      int iproduct = keeps ? iz + at : mine + step * inputs;
      block.c(product, iproduct, outputs, false);
      block.run(0, count, 0, block.vectors(), scratch[worker]);
      if (keeps) {
        outSums.add(worker, product, iproduct, count * outputs);
      } else {
        outSums.add(worker, product, iproduct, g, ig + at, count * outputs);
      }
    }
  }

  private final class Data extends Blocks {
    private float[] gx = NONE;
    private int igx;

    /** A row of scratch for each worker. */
    private int rows;

    @Override
    void run(int worker, int from, int count, int mine) {
      GemmBlock block = blocks[worker];
      int at = from * outputs;
      touch(worker, z, iz + at, count * outputs);
      touch(worker, g, ig + at, count * outputs);
      out.gradient(z, iz + at, g, ig + at, space, mine, count * outputs);
      int input = from * inputs;
      block.a(space, mine, outputs, 1);
      block.c(gx, igx + input, inputs, false);
      block.run(0, count, 0, block.vectors(), scratch[worker]);
      if (normalizes) {
        touch(worker, x, ix + input, count * inputs);
        int row = rows + worker * in.rows.stride;
        in.mask(x, ix + input, gx, igx + input, gx, igx + input, count * inputs, row);
        inSums.add(worker, x, ix + input, gx, igx + input, count * inputs);
      }
    }
  }

  /**
   * Each worker's partial dw {@code [K, N]}, or its transpose if that way round tiles better; and
   * the sums of the input's norm.
   */
  private final class Filter implements WorkerTeam.Task {
    private boolean wanted;
    private boolean reduces;

    /** Whether the gradient behind the input's norm is kept, and where. */
    private boolean keeps;

    private float[] kept = NONE;
    private int ikept;
    private boolean swap;
    private int rows;
    private int columns;
    private int stride;

    /** A row of scratch for each worker. */
    private int scratchRows;

    /** Both operands; behind the right one a vector of slack, for it is read in whole vectors. */
    private int space() {
      return step * (inputs + outputs) + GemmBlock.LANES;
    }

    @Override
    public void run(int worker, int workers) {
      int mine = ispace + worker * spacePerWorker;
      int from = GemmKernels.cut(pixels, worker, workers);
      int to = GemmKernels.cut(pixels, worker + 1, workers);
      boolean adding = false;
      do {
        int count = Math.min(step, to - from);
        int input = wanted && swap ? mine + count * outputs : mine;
        int output = wanted && swap ? mine : mine + count * inputs;
        int at = from * outputs;
        touch(worker, x, ix + from * inputs, count * inputs);
        touch(worker, z, iz + at, count * outputs);
        touch(worker, g, ig + at, count * outputs);
        out.gradient(z, iz + at, g, ig + at, space, output, count * outputs);
        if (wanted) {
          multiply(worker, from, count, input, output, adding);
        }
        if (reduces) {
          if (keeps) {
            reduce(worker, from, count, output, kept, ikept + from * inputs);
          } else {
            reduce(worker, from, count, output, space, mine + space());
          }
        }
        adding = true;
        from += count;
      } while (from < to);
    }

    private void multiply(int worker, int from, int count, int input, int output, boolean adding) {
      GemmBlock block = blocks[worker];
      int size = count * inputs;
      if (normalizes) {
        in.apply(x, ix + from * inputs, space, input, size);
      } else {
        System.arraycopy(x, ix + from * inputs, space, input, size);
      }
      // Whole vectors: what the padding columns hold is never read.
      block.sizes(rows, stride, count);
      block.a(space, swap ? output : input, 1, rows);
      block.bRowMajor(space, swap ? input : output, columns);
      block.run(0, rows, 0, block.vectors(), 0, count, adding, scratch[worker]);
    }

    /** Leaves the gradient behind the input's norm there. */
    private void reduce(int worker, int from, int count, int output, float[] to, int ito) {
      GemmBlock block = secondBlocks[worker];
      int size = count * inputs;
      int row = scratchRows + worker * in.rows.stride;
      block.a(space, output, outputs, 1);
      block.c(to, ito, inputs, false);
      block.run(0, count, 0, block.vectors(), scratch[worker]);
      in.mask(x, ix + from * inputs, to, ito, to, ito, size, row);
      inSums.add(worker, x, ix + from * inputs, to, ito, size);
    }
  }
}
