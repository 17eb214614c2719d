package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.batchnorm.ChannelSums;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.gemm.PartialSum;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/** The gradients of pointwise convolutions between batch norms. */
final class PointwiseBackward extends PointwisePass {
  /** Those of a second product in the same pass. */
  private final GemmBlock[] secondBlocks;

  private final ChannelSums sums;
  private final PartialSum partialSum = new PartialSum();
  private final BackwardData data = new BackwardData();
  private final BackwardFilter filter = new BackwardFilter();

  PointwiseBackward(WorkerTeam team, Memory memory) {
    super(team, memory);
    secondBlocks = GemmBlock.forTeam(team.threads());
    sums = new ChannelSums(in, team.threads());
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
    int size = sums.size(ChannelSums.Kind.GRADIENTS);
    try (Tensor work = workspace(planes + rows + size, step * outputs);
        Tensor _ = bindWeights(blocks, w, true)) {
      bindInput(input, into == null ? null : into.norm(), work);
      bindGradient(gradients, raw, gradient, work);
      sums.start(ChannelSums.Kind.GRADIENTS, work.offset() + planes + rows);
      data.gx = gx.floats();
      data.igx = gx.offset();
      data.rows = work.offset() + planes;
      team.run(data);
      if (into != null) {
        sums.total();
        BatchNormKernels.gradients(sums, into.norm(), into.dgamma(), into.dbeta());
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
  void reduce(
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
    int size = sums.size(ChannelSums.Kind.GRADIENTS);
    filter.reduces = true;
    try (Tensor work = workspace(planes + rows + size, filter.space() + step * inputs);
        Tensor _ = bindWeights(secondBlocks, w, true);
        Tensor _ = bindFilter(dw)) {
      bindInput(input, into.norm(), work);
      bindGradient(gradients, raw, gradient, work);
      sums.start(ChannelSums.Kind.GRADIENTS, work.offset() + planes + rows);
      filter.scratchRows = work.offset() + planes;
      filter.keeps = kept != null;
      filter.kept = kept == null ? NONE : kept.floats();
      filter.ikept = kept == null ? 0 : kept.offset();
      team.run(filter);
      if (dw != null) {
        team.run(partialSum);
      }
      sums.total();
      BatchNormKernels.gradients(sums, into.norm(), into.dgamma(), into.dbeta());
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

  @Override
  void clear() {
    super.clear();
    for (GemmBlock block : secondBlocks) {
      block.clear();
    }
    partialSum.clear();
    data.gx = NONE;
    filter.kept = NONE;
  }

  private final class BackwardData extends Blocks {
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
        sums.add(worker, x, ix + input, gx, igx + input, count * inputs);
      }
    }
  }

  /**
   * Each worker's partial dw {@code [K, N]}, or its transpose if that way round tiles better; and
   * the sums of the input's norm.
   */
  private final class BackwardFilter implements WorkerTeam.Task {
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
      sums.add(worker, x, ix + from * inputs, to, ito, size);
    }
  }
}
