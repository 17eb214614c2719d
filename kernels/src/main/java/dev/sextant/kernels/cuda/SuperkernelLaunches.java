package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.SuperkernelMask;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/** Superkernels, each in one block. */
final class SuperkernelLaunches {
  private final Kernels kernels;

  SuperkernelLaunches(Kernels kernels) {
    this.kernels = kernels;
  }

  /** Launches one direction with its tensors, in the order of {@link SuperkernelMask}. */
  void run(boolean backward, Nesting nesting, Tensor... tensors) {
    List<Integer> sizes =
        IntStream.range(0, nesting.shells()).map(nesting::kernel).boxed().toList();
    Launch launch = kernels.of(new SuperkernelMask(sizes, nesting.groups(), backward));
    Kernels.arguments(launch, tensors).integer(nesting.channels());
    for (int group = 1; group < nesting.groups(); group++) {
      launch.integer(nesting.firstChannel(group));
    }
    for (int shell = 1; shell < nesting.shells(); shell++) {
      launch.number(1f / nesting.shellSize(shell));
    }
    for (int group = 0; group < nesting.groups(); group++) {
      launch.number(1f / nesting.groupSize(group));
    }
    int threads = Math.min(KernelSource.THREADS, nesting.channels());
    launch.grid(1, 1, 1).block(1, threads).run();
  }
}
