package dev.sextant.kernels.elementwise;

import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.elementwise.ElementwiseKernel.Operation;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.ElementwiseRules;
import org.jspecify.annotations.Nullable;

/** {@link Elementwise} on a device: kernels over all elements alike. */
public final class ElementwiseLaunches implements Elementwise {
  private final Kernels kernels;

  /** Kernels that are loaded there. */
  public ElementwiseLaunches(Kernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public void fill(Tensor x, float value) {
    if (x.size() > 0) {
      int width = Kernels.width(x);
      Launch launch = kernels.of(new ElementwiseKernel(Operation.FILL, width));
      run(Kernels.argument(launch, x).number(value), x.size(), width);
    }
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    ElementwiseRules.copy(from, to);
    plain(Operation.COPY, Activation.IDENTITY, from, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    ElementwiseRules.axpy(x, y);
    scalar(Operation.AXPY, x, y, a);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    ElementwiseRules.scale(x, out);
    scalar(Operation.SCALE, x, out, factor);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.add(a, b, out);
    plain(Operation.ADD, Activation.IDENTITY, a, b, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.multiply(a, b, out);
    plain(Operation.MULTIPLY, Activation.IDENTITY, a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    ElementwiseRules.activate(x, out);
    plain(Operation.ACTIVATE, activation, x, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    ElementwiseRules.activateBackward(x, dy, dx);
    plain(Operation.ACTIVATE_BACKWARD, activation, x, dy, dx);
  }

  @Override
  public double sum(Tensor x) {
    return total(x, null);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    ElementwiseRules.dot(a, b);
    return total(a, b);
  }

  private void scalar(Operation operation, Tensor x, Tensor y, float value) {
    if (x.size() > 0) {
      int width = Kernels.width(x, y);
      Launch launch = kernels.of(new ElementwiseKernel(operation, width));
      run(Kernels.arguments(launch, x, y).number(value), x.size(), width);
    }
  }

  /** An operation on tensors alone. */
  public void plain(Operation operation, Activation activation, Tensor... tensors) {
    int size = tensors[0].size();
    if (size > 0) {
      int width = Kernels.width(tensors);
      Launch launch = kernels.of(new ElementwiseKernel(operation, activation, width));
      run(Kernels.arguments(launch, tensors), size, width);
    }
  }

  /** Launches a thread for each vector of elements; the size is the last parameter. */
  public static void run(Launch launch, int size, int width) {
    int threads = Kernels.ceil(size, width);
    int block = Math.min(KernelSource.THREADS, threads);
    launch.integer(size).grid(Kernels.ceil(threads, block), 1, 1).block(block, 1).run();
  }

  /** The sum of a, or its inner product with b. */
  private double total(Tensor a, @Nullable Tensor b) {
    int size = a.size();
    if (size == 0) {
      return 0;
    }
    int width = Kernels.width(a, b);
    int most = 4 * kernels.driver().properties().processors();
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
