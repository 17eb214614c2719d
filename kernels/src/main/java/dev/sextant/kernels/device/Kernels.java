package dev.sextant.kernels.device;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What every group of launches needs: the driver, the memory, and the kernels loaded so far, by
 * specialisation. Confined to one thread.
 */
public final class Kernels {
  /** Floats of the widest vector that a thread loads at once. */
  public static final int VECTOR = 4;

  private final Driver driver;
  private final Memory memory;
  private final Map<KernelSource, Launch> loaded = new HashMap<>();
  private float[] host = new float[1024];
  private @Nullable List<Tensor> holder;
  private @Nullable Collection<String> asked;

  public Kernels(Driver driver, Memory memory) {
    this.driver = driver;
    this.memory = memory;
  }

  public Driver driver() {
    return driver;
  }

  public Memory memory() {
    return memory;
  }

  /** The launch of a kernel, loaded when it is first asked for. */
  public Launch of(KernelSource source) {
    Launch launch = loaded.get(source);
    if (launch == null) {
      launch = new Launch(driver, source.assemble());
      loaded.put(source, launch);
    }
    if (asked != null) {
      asked.add(launch.kernel().name());
    }
    return launch;
  }

  /** Collects the names of the kernels that work asks for. */
  public void naming(Collection<String> names, Runnable work) {
    asked = names;
    try {
      work.run();
    } finally {
      asked = null;
    }
  }

  /** Scratch for one kernel, to be closed after it is queued: later work is queued behind it. */
  public Tensor workspace(int size, String label) {
    Tensor tensor = memory.floats(Shape.of(size), Memory.Category.WORKSPACE, label);
    if (holder != null) {
      holder.add(memory.keep(tensor.share()));
    }
    return tensor;
  }

  /** Does work whose scratch, through handles of its own, stays taken. */
  public void holding(List<Tensor> handles, Runnable work) {
    holder = handles;
    try {
      work.run();
    } finally {
      holder = null;
    }
  }

  /** A tensor as the next parameter. */
  public static Launch argument(Launch launch, Tensor tensor) {
    return launch.pointer(DeviceStorage.address(tensor), tensor.bytes());
  }

  /** Several tensors as the next parameters. */
  public static Launch arguments(Launch launch, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      argument(launch, tensor);
    }
    return launch;
  }

  /** 4 where every tensor is aligned to vectors of 4 floats, else 1. */
  public static int width(@Nullable Tensor... tensors) {
    return aligned(VECTOR, tensors) ? VECTOR : 1;
  }

  /** 4 where every tensor, and every row of that many channels, is aligned to 4 floats, else 1. */
  public static int width(int channels, @Nullable Tensor... tensors) {
    return channels % VECTOR == 0 ? width(tensors) : 1;
  }

  /** Whether every tensor is aligned to vectors of that many floats. */
  public static boolean aligned(int width, @Nullable Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null && DeviceStorage.address(tensor) % (4L * width) != 0) {
        return false;
      }
    }
    return true;
  }

  /** The sum of a small tensor's elements, in double on the host, after all work queued so far. */
  public double hostSum(Tensor tensor) {
    int size = tensor.size();
    if (host.length < size) {
      host = new float[Integer.highestOneBit(size - 1) * 2];
    }
    driver.download(DeviceStorage.address(tensor), host, 0, size);
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += host[i];
    }
    return sum;
  }

  /** a / b, rounded up. */
  public static int ceil(int a, int b) {
    return (int) (((long) a + b - 1) / b);
  }
}
