package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.MatMul;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;

/**
 * y = activation(x w + b): {@code [N, in]} to {@code [N, out]}; w starts uniform in ±1/sqrt(in), b
 * at 0.
 */
public final class Linear extends Module {
  private final Parameter weight;
  private final Parameter bias;
  private final Activation activation;

  /**
   * A fully connected layer without an activation.
   *
   * @param init draws the weights, on its backend
   * @param in input features
   * @param out output features
   */
  public Linear(Initializer init, int in, int out) {
    this(init, in, out, Activation.IDENTITY);
  }

  /**
   * A fully connected layer.
   *
   * @param init draws the weights, on its backend
   * @param in input features
   * @param out output features
   * @param activation applied behind it
   */
  public Linear(Initializer init, int in, int out, Activation activation) {
    this.activation = activation;
    weight = parameter("weight", init.uniform(Shape.of(in, out), 1 / Math.sqrt(in)));
    bias = parameter("bias", init.constant(out, 0, Parameter.Role.BIAS));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return BiasActivation.apply(tape, MatMul.apply(tape, x, weight), bias, activation);
  }
}
