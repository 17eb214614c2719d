package dev.sextant.tensor.internal.cpu.bottleneck;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.cpu.batchnorm.BatchNormKernels;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseForward;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseKernels;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseNormTiles;
import dev.sextant.tensor.internal.cpu.depthwise.DepthwiseTiles;
import dev.sextant.tensor.internal.cpu.gemm.GemmBlock;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * A depthwise convolution of images that are expanded on the way to it, a block at a time. Called
 * from one thread at a time.
 */
final class ExpandedForward {
  private final ExpandedImages expanded;
  private final DepthwiseKernels depthwise;
  private final Task task;

  ExpandedForward(WorkerTeam team, Memory memory) {
    expanded = new ExpandedImages(team, memory);
    depthwise = new DepthwiseKernels(team, memory);
    task = new Task(expanded);
  }

  /** As {@link dev.sextant.tensor.Expansions#depthwise}. */
  void run(
      Tensor x,
      Tensor w,
      BatchNorm norm,
      @Nullable Tensor kept,
      Tensor kernel,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    if (z.size() == 0) {
      BatchNormKernels.zero(mean);
      BatchNormKernels.zero(variance);
      return;
    }
    expanded.sizes(x, z, false);
    WorkerTeam team = expanded.team;
    int step = expanded.blockTiles() * GemmBlock.LANES;
    int slab = kept == null ? ExpandedImages.whole(expanded.pixels * step) : 0;
    DepthwiseForward forward = depthwise.forward;
    forward.measured = true;
    try (Tensor slabs = expanded.gemm.workspace(team.threads() * slab, "expansion.slabs");
        Tensor _ = expanded.bind(w, kept);
        Tensor work = depthwise.forwardWorkspace(x.shape(), window, z, expanded.blockTiles())) {
      expanded.slab.at(slabs.floats(), slabs.offset(), slab, step);
      DepthwiseNormTiles.constants(norm, expanded.hidden, work.floats(), forward.constants);
      expanded.source(forward.source, x, kept, forward.constants, norm);
      forward.statistics.reset(team.threads(), DepthwiseTiles.count(expanded.hidden));
      DepthwiseKernels.packWeights(kernel, forward.plan, work.floats(), forward.weights);
      team.run(task);
      forward.statistics.total(team.threads(), expanded.hidden, mean, variance);
    } finally {
      expanded.clear();
    }
  }

  private final class Task extends ExpandedImages.Task {
    Task(ExpandedImages expanded) {
      super(expanded);
    }

    @Override
    void start(int worker) {
      depthwise.forward.start(worker);
    }

    @Override
    void image(int worker, int image) {
      DepthwiseForward forward = depthwise.forward;
      int own = forward.own(worker);
      for (int block = 0; block < expanded.blocks; block++) {
        int first = expanded.firstTile(block);
        int end = expanded.firstTile(block + 1);
        expanded.expand(worker, image, block);
        forward.slice(worker, own, image, 0, forward.outHeight, first, end);
      }
    }
  }
}
