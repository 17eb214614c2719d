package dev.sextant.runtime;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.FixedKernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;

/**
 * Folded parameters on a device, read by every fork of a model and given back when the last of them
 * closes. Safe to use from several threads: the tensors are only read after construction.
 */
final class SharedWeights {
  /** Owns the memory and runs no kernel: a fork's own backend may close before the others'. */
  private final Backend owner;

  /** Of the convolutions, by the index of the kernel. */
  private final Map<Integer, FixedKernel> kernels = new HashMap<>();

  /** Of the kernels from outside, by their indices. */
  private final Map<Integer, Tensor> tensors = new HashMap<>();

  private int users;

  /**
   * Copies a program's parameters to the device, each laid out for the step that reads it, without
   * a user yet.
   *
   * @param threads of the users' backends
   */
  SharedWeights(Device device, int threads, Program program, List<Weights.Entry> parameters) {
    owner = Backends.open(device, 1);
    for (Program.Step step : program.steps()) {
      switch (step) {
        case Program.Convolution convolution ->
            fix(
                parameters,
                convolution.weight(),
                convolution.bias(),
                (w, bias) ->
                    owner
                        .convolution()
                        .fix(w, bias, convolution.window(), shape(program, step), threads));
        case Program.Depthwise depthwise ->
            fix(
                parameters,
                depthwise.weight(),
                depthwise.bias(),
                (w, bias) -> owner.depthwise().fix(w, bias, depthwise.window()));
        case Program.Expanded expanded -> expanded(program, expanded, parameters);
        case Program.Custom custom -> {
          for (int i = custom.weight(); i < custom.weight() + custom.weights(); i++) {
            tensors.put(i, copy(parameters, i));
          }
        }
        case Program.Pool _,
            Program.GlobalPool _,
            Program.Gate _,
            Program.Activate _,
            Program.Add _,
            Program.CopyChannels _ -> {}
      }
    }
    // Other backends of the device read them, in queues of their own.
    owner.synchronize();
    // What was laid out anew leaves its first copies to the pool, and they are as large again.
    owner.memory().trim();
  }

  /** In bands of rows, of which each worker has its own: kernels are not cut by their columns. */
  private void expanded(Program program, Program.Expanded step, List<Weights.Entry> parameters) {
    Shape x = shape(program, step);
    fix(
        parameters,
        step.expand(),
        step.expand() + 1,
        (w, bias) -> owner.convolution().fix(w, bias, Window.POINTWISE, x, 1));
    fix(
        parameters,
        step.weight(),
        step.weight() + 1,
        (w, bias) -> owner.depthwise().fix(w, bias, step.window()));
    if (step.project() != Program.NONE) {
      Shape middle = step.window().output(x, parameters.get(step.weight()).shape().channels());
      fix(
          parameters,
          step.project(),
          step.project() + 1,
          (w, bias) -> owner.convolution().fix(w, bias, Window.POINTWISE, middle, 1));
    }
  }

  private static Shape shape(Program program, Program.Step step) {
    return program.values().get(step.in()).shape();
  }

  private void fix(
      List<Weights.Entry> parameters,
      int weight,
      int bias,
      BiFunction<Tensor, Tensor, FixedKernel> layOut) {
    try (Tensor w = copy(parameters, weight);
        Tensor b = copy(parameters, bias)) {
      kernels.put(weight, layOut.apply(w, b));
    }
  }

  private Tensor copy(List<Weights.Entry> parameters, int index) {
    Weights.Entry entry = parameters.get(index);
    Tensor tensor =
        owner.memory().floats(entry.shape(), Memory.Category.WEIGHTS, "parameter " + index);
    owner.upload(entry.values(), 0, tensor);
    return tensor;
  }

  /** The kernel and bias of a convolution, by the kernel's index. */
  FixedKernel kernel(int parameter) {
    return Objects.requireNonNull(kernels.get(parameter));
  }

  /** A parameter of a kernel from outside. */
  Tensor get(int parameter) {
    return Objects.requireNonNull(tensors.get(parameter));
  }

  /** Bytes of all parameters, as they are laid out. */
  long bytes() {
    long bytes = 0;
    for (FixedKernel kernel : kernels.values()) {
      bytes += kernel.bytes();
    }
    for (Tensor tensor : tensors.values()) {
      bytes += tensor.bytes();
    }
    return bytes;
  }

  /** Counts one more user. */
  synchronized void retain() {
    if (users < 0) {
      throw new SextantException("model: fork of a model that is closed");
    }
    users++;
  }

  /** Counts one user less; the last one frees the tensors. */
  synchronized void release() {
    users--;
    if (users == 0) {
      users = -1;
      kernels.values().forEach(FixedKernel::close);
      tensors.values().forEach(Tensor::close);
      owner.close();
    }
  }
}
