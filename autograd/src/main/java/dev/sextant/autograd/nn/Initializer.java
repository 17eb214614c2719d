package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;

/**
 * Makes the parameters and buffers of modules, in the memory of a backend, from one generator.
 *
 * @param backend whose memory holds them
 * @param rng where random values come from
 */
public record Initializer(Backend backend, Rng rng) {
  /**
   * {@return a kernel from N(0, 2 / fanOut) (He et al., 2015, as the ProxylessNAS code has it: for
   * a depthwise kernel fanOut counts all channels)}
   *
   * @param shape of the kernel
   * @param fanOut outputs times taps
   */
  public Parameter heFanOut(Shape shape, int fanOut) {
    double deviation = Math.sqrt(2.0 / fanOut);
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * rng.nextGaussian());
    }
    return new Parameter(hold(shape, values, "kernel"), Parameter.Role.KERNEL);
  }

  /**
   * {@return a kernel uniform in ±bound}
   *
   * @param shape of the kernel
   * @param bound largest absolute value
   */
  public Parameter uniform(Shape shape, double bound) {
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.uniform(-bound, bound);
    }
    return new Parameter(hold(shape, values, "kernel"), Parameter.Role.KERNEL);
  }

  /**
   * {@return a per-channel parameter that starts at one value}
   *
   * @param channels its only extent
   * @param value of every element
   * @param role of the parameter
   */
  public Parameter constant(int channels, float value, Parameter.Role role) {
    return new Parameter(buffer(channels, value), role);
  }

  /**
   * {@return a per-channel tensor that no optimizer changes}
   *
   * @param channels its only extent
   * @param value of every element
   */
  public Tensor buffer(int channels, float value) {
    float[] values = new float[channels];
    java.util.Arrays.fill(values, value);
    return hold(Shape.of(channels), values, "channels");
  }

  private Tensor hold(Shape shape, float[] values, String label) {
    Tensor tensor = backend.memory().keep(backend.memory().floats(shape, Category.WEIGHTS, label));
    backend.upload(values, 0, tensor);
    return tensor;
  }
}
