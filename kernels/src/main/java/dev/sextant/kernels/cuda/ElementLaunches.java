package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.Elementwise;
import dev.sextant.kernels.family.Elementwise.Operation;
import dev.sextant.kernels.family.OptimizerStep;
import dev.sextant.kernels.family.Total;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Kernels over all elements alike. */
final class ElementLaunches {
  private final Kernels kernels;

  ElementLaunches(Kernels kernels) {
    this.kernels = kernels;
  }

  void fill(Tensor x, float value) {
    if (x.size() > 0) {
      int width = Kernels.width(x);
      Launch launch = kernels.of(new Elementwise(Operation.FILL, width));
      run(Kernels.argument(launch, x).number(value), x.size(), width);
    }
  }

  void copy(Tensor from, Tensor to) {
    plain(Operation.COPY, Activation.IDENTITY, from, to);
  }

  void scale(Tensor x, float factor, Tensor out) {
    scalar(Operation.SCALE, x, out, factor);
  }

  void axpy(float a, Tensor x, Tensor y) {
    scalar(Operation.AXPY, x, y, a);
  }

  private void scalar(Operation operation, Tensor x, Tensor y, float value) {
    if (x.size() > 0) {
      int width = Kernels.width(x, y);
      Launch launch = kernels.of(new Elementwise(operation, width));
      run(Kernels.arguments(launch, x, y).number(value), x.size(), width);
    }
  }

  /** An operation on tensors alone. */
  void plain(Operation operation, Activation activation, Tensor... tensors) {
    int size = tensors[0].size();
    if (size > 0) {
      int width = Kernels.width(tensors);
      Launch launch = kernels.of(new Elementwise(operation, activation, width));
      run(Kernels.arguments(launch, tensors), size, width);
    }
  }

  private static void run(Launch launch, int size, int width) {
    int threads = Kernels.ceil(size, width);
    int block = Math.min(KernelSource.THREADS, threads);
    launch.integer(size).grid(Kernels.ceil(threads, block), 1, 1).block(block, 1).run();
  }

  /** An optimizer step with its constants, in the order of {@link OptimizerStep.Rule}. */
  void step(OptimizerStep.Rule rule, Tensor[] tensors, float... constants) {
    int size = tensors[0].size();
    if (size == 0) {
      return;
    }
    int width = Kernels.width(tensors);
    Launch launch = kernels.of(new OptimizerStep(rule, width));
    Kernels.arguments(launch, tensors);
    for (float constant : constants) {
      launch.number(constant);
    }
    run(launch, size, width);
  }

  /** The sum of a, or its inner product with b. */
  double total(Tensor a, @Nullable Tensor b) {
    int size = a.size();
    if (size == 0) {
      return 0;
    }
    int width = Kernels.width(a, b);
    int most = 4 * kernels.driver().info().processors();
    int block = Math.min(KernelSource.THREADS, Kernels.ceil(size, width));
    int blocks = Math.min(most, Kernels.ceil(size, block * width));
    try (Tensor partial = kernels.workspace(blocks, "sums of blocks")) {
      Launch launch = kernels.of(new Total(b != null, width));
      Kernels.argument(launch, a);
      if (b != null) {
        Kernels.argument(launch, b);
      }
      Kernels.argument(launch, partial).integer(size).grid(blocks, 1, 1).block(1, block).run();
      return kernels.hostSum(partial);
    }
  }
}
