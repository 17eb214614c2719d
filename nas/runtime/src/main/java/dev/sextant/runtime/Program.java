package dev.sextant.runtime;

import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.List;

/**
 * A network as the kernel calls that run it, in order, over values that are not yet in memory.
 * Immutable: forks of a model share it.
 *
 * @param values every intermediate image or vector
 * @param steps the calls
 * @param input index of the value that holds the images
 * @param output index of the value that holds the result
 */
record Program(List<Value> values, List<Step> steps, int input, int output) {
  /** No value or parameter: a convolution without a residual. */
  static final int NONE = -1;

  /**
   * What a step reads or writes. Values with one buffer are the same elements under other shapes,
   * or updated in place.
   *
   * @param buffer which buffer holds it, from 0
   */
  record Value(int buffer, Shape shape) {}

  /** One kernel call; numbers are indices of values and of parameters. */
  sealed interface Step {
    /** The value it writes. */
    int out();

    /** The value it reads. */
    int in();
  }

  /** out = activation(conv(in, weight) + bias) + residual. */
  record Convolution(
      int in, int weight, int bias, Window window, Activation activation, int residual, int out)
      implements Step {}

  /** out = activation(depthwise(in, weight) + bias). */
  record Depthwise(int in, int weight, int bias, Window window, Activation activation, int out)
      implements Step {}

  /**
   * middle = second(depthwise(first(in expand + its bias), weight) + its bias); out = middle or,
   * where there is a projection, middle project + its bias + residual. Each bias is the parameter
   * behind its kernel.
   */
  record Expanded(
      int in,
      int expand,
      Activation first,
      int weight,
      Window window,
      Activation second,
      int project,
      int residual,
      int out)
      implements Step {

    /** A depthwise convolution of what a pointwise one gave. */
    static Expanded of(
        Convolution expand, int weight, Window window, Activation activation, int out) {
      return new Expanded(
          expand.in, expand.weight, expand.activation, weight, window, activation, NONE, NONE, out);
    }

    /** The same, projected. */
    Expanded to(int projection, int added, int result) {
      return new Expanded(in, expand, first, weight, window, second, projection, added, result);
    }
  }

  /** Maximum or mean over a window. */
  record Pool(int in, boolean max, Window window, int out) implements Step {}

  /** Mean over the pixels. */
  record GlobalPool(int in, int out) implements Step {}

  /** out[n, h, w, c] = in[n, h, w, c] gate[n, c]; out may be in's buffer. */
  record Gate(int in, int gate, int out) implements Step {}

  /** out = activation(in); out may be in's buffer. */
  record Activate(int in, Activation activation, int out) implements Step {}

  /** out = in + other. */
  record Add(int in, int other, int out) implements Step {}

  /**
   * out[n, h, w, at + c] = in[n, h, w, from + c], for as many channels as both have: one part of a
   * concatenation, or some channels of a wider value.
   */
  record CopyChannels(int in, int from, int at, int out) implements Step {}

  /**
   * What a kernel from outside computes.
   *
   * @param operands the values it reads
   * @param weight its first parameter
   * @param weights how many it has
   */
  record Custom(LayerKernel kernel, List<Integer> operands, int weight, int weights, int out)
      implements Step {
    @Override
    public int in() {
      return operands.getFirst();
    }
  }

  /** Number of buffers. */
  int buffers() {
    return values.stream().mapToInt(Value::buffer).max().orElse(-1) + 1;
  }
}
