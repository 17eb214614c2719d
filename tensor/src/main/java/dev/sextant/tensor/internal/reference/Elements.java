package dev.sextant.tensor.internal.reference;

import dev.sextant.tensor.Tensor;

/** Between tensors of floats and the arrays of doubles that the reference computes in. */
final class Elements {
  private Elements() {}

  /** The elements of a tensor, widened. */
  static double[] read(Tensor tensor) {
    float[] values = tensor.floats();
    double[] widened = new double[tensor.size()];
    for (int i = 0; i < widened.length; i++) {
      widened[i] = values[tensor.offset() + i];
    }
    return widened;
  }

  /** Overwrites a tensor, rounding each element once. */
  static void write(double[] values, Tensor tensor) {
    float[] rounded = tensor.floats();
    for (int i = 0; i < values.length; i++) {
      rounded[tensor.offset() + i] = (float) values[i];
    }
  }
}
