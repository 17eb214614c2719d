package dev.sextant.kernels.superkernel;

import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Superkernel;
import dev.sextant.tensor.family.SuperkernelRules;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import it.unimi.dsi.fastutil.ints.IntList;

/** {@link Superkernel} on a device, each in one block. */
public final class SuperkernelLaunches implements Superkernel {
  private final Kernels kernels;

  /** Kernels that are loaded there. */
  public SuperkernelLaunches(Kernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public void forward(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    SuperkernelRules.forward(w, thresholds, scales, nesting, gates, effective);
    run(false, nesting, w, thresholds, scales, gates, effective);
  }

  @Override
  public void backward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds) {
    SuperkernelRules.backward(w, thresholds, scales, nesting, dgates, deffective, dw, dthresholds);
    run(true, nesting, w, thresholds, scales, dgates, deffective, dw, dthresholds);
  }

  /** Launches one direction with its tensors, in the order of {@link SuperkernelMask}. */
  private void run(boolean backward, Nesting nesting, Tensor... tensors) {
    IntList sizes = new IntArrayList(nesting.shells());
    for (int shell = 0; shell < nesting.shells(); shell++) {
      sizes.add(nesting.kernel(shell));
    }
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
