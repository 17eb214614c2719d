package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.ElementwiseRules;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** {@link Elementwise} in double. */
final class ReferenceElementwise implements Elementwise {
  @Override
  public void fill(Tensor x, float value) {
    Arrays.fill(x.floats(), x.offset(), x.offset() + x.size(), value);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    ElementwiseRules.copy(from, to);
    map(from, value -> value, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    ElementwiseRules.axpy(x, y);
    combine(x, y, (left, right) -> a * left + right, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    ElementwiseRules.scale(x, out);
    map(x, value -> factor * value, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.add(a, b, out);
    combine(a, b, Double::sum, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.multiply(a, b, out);
    combine(a, b, (left, right) -> left * right, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    ElementwiseRules.activate(x, out);
    map(x, activation::apply, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    ElementwiseRules.activateBackward(x, dy, dx);
    combine(x, dy, (value, gradient) -> gradient * activation.derivative(value), dx);
  }

  private static void map(Tensor x, DoubleUnaryOperator function, Tensor out) {
    double[] values = read(x);
    Arrays.setAll(values, i -> function.applyAsDouble(values[i]));
    write(values, out);
  }

  private static void combine(Tensor a, Tensor b, DoubleBinaryOperator function, Tensor out) {
    double[] left = read(a);
    double[] right = read(b);
    Arrays.setAll(left, i -> function.applyAsDouble(left[i], right[i]));
    write(left, out);
  }

  @Override
  public double sum(Tensor x) {
    double sum = 0;
    for (double value : read(x)) {
      sum += value;
    }
    return sum;
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    ElementwiseRules.dot(a, b);
    double[] left = read(a);
    double[] right = read(b);
    double sum = 0;
    for (int i = 0; i < left.length; i++) {
      sum += left[i] * right[i];
    }
    return sum;
  }
}
