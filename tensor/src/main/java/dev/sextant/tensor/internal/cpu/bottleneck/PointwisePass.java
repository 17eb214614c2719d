package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.internal.cpu.batchnorm.NormPlanes;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.gemm.GemmKernels;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.CacheLines;
import org.jspecify.annotations.Nullable;

/**
 * Pointwise convolutions between batch norms, x = [M, K] to z = [M, N], a few hundred pixels at a
 * time: their x goes through its norm while it is packed, the product follows while the
 * second-level cache holds them, and the sums of what the product left there follow that. Neither
 * the normalised x, nor the gradient of z, nor the z of an inner product is ever whole in memory.
 * What both directions share.
 *
 * <p>Pixels are cut among the workers, so that sums and products are the same from run to run.
 * Called from one thread at a time.
 */
abstract class PointwisePass {
  /** Floats of the operands and the product of a block: a quarter of 1 MiB. */
  private static final int BLOCK_FLOATS = 1 << 16;

  /** Pixels in a block are a multiple of the tallest micro-kernels' rows. */
  private static final int QUANTUM = 36;

  /** Most pixels in a block, in quanta. */
  private static final int MOST_QUANTA = 8;

  static final float[] NONE = {};

  final WorkerTeam team;
  final GemmKernels gemm;
  final GemmBlock[] blocks;
  final float[][] scratch;
  final NormPlanes in = new NormPlanes();
  final NormPlanes out = new NormPlanes();

  int pixels;
  int inputs;
  int outputs;
  int step;

  /** Of the convolution's input, whether it goes through its norm. */
  boolean normalizes;

  float[] x = NONE;
  int ix;
  float[] z = NONE;
  int iz;
  float[] g = NONE;
  int ig;
  float[] space = NONE;
  int ispace;
  int spacePerWorker;

  /** Kernels that run on this team and take their scratch from this memory. */
  PointwisePass(WorkerTeam team, Memory memory) {
    this.team = team;
    gemm = new GemmKernels(team, memory);
    blocks = GemmBlock.forTeam(team.threads());
    scratch = new float[team.threads()][GemmBlock.SCRATCH];
  }

  final void sizes(Tensor input, Tensor output) {
    pixels = output.shape().rows();
    inputs = input.shape().channels();
    outputs = output.shape().channels();
    int quanta = BLOCK_FLOATS / (QUANTUM * (inputs + outputs));
    step = Math.min(pixels, QUANTUM * Math.clamp(quanta, 1, MOST_QUANTA));
    in.view(inputs);
    out.view(outputs);
  }

  final Tensor workspace(int shared, int perWorker) {
    spacePerWorker = perWorker;
    Tensor work =
        gemm.workspace(
            Math.addExact(shared, Math.multiplyExact(blocks.length, perWorker)), "conv.normalized");
    space = work.floats();
    ispace = work.offset() + shared;
    return work;
  }

  final @Nullable Tensor bindWeights(GemmBlock[] to, Tensor w, boolean transposed) {
    GemmBlock first = to[0];
    first.sizes(pixels, transposed ? inputs : outputs, transposed ? outputs : inputs);
    Tensor bound = gemm.bindB(first, w, transposed);
    for (int i = 1; i < to.length; i++) {
      to[i].shareB(first);
    }
    return bound;
  }

  final void bindInput(Tensor input, @Nullable BatchNorm norm, Tensor work) {
    x = input.floats();
    ix = input.offset();
    in.at(work.floats(), work.offset());
    normalizes = norm != null;
    if (norm != null) {
      in.set(norm);
    }
  }

  final void bindGradient(Tensor gradients, Tensor raw, NormGradient gradient, Tensor work) {
    g = gradients.floats();
    ig = gradients.offset();
    z = raw.floats();
    iz = raw.offset();
    out.at(work.floats(), work.offset() + in.size());
    out.set(gradient.norm(), gradient.dgamma(), gradient.dbeta(), pixels);
  }

  /** Lets go of the operands. */
  void clear() {
    for (GemmBlock block : blocks) {
      block.clear();
    }
    in.clear();
    out.clear();
    x = NONE;
    z = NONE;
    g = NONE;
    space = NONE;
  }

  /**
   * Brings a block into the cache before it is worked on; measured: gradients take 10 to 15 % less
   * time.
   */
  final void touch(int worker, float[] a, int from, int count) {
    scratch[worker][0] = CacheLines.touch(a, from, count);
  }

  /** The blocks of a worker's share of the pixels. */
  abstract class Blocks implements WorkerTeam.Task {
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
}
