package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.MatMul;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.tensor.Shape;
import org.jspecify.annotations.Nullable;

/** A fully connected layer of shared widths. */
final class SharedLinear extends SharedKernels {
  private final Parameter weight;
  private final Parameter bias;
  private Linear selected;

  /** A layer with fresh weights, of the largest widths. */
  SharedLinear(Linear linear, int in, double epsilon, Initializer init) {
    super(epsilon);
    selected = linear;
    weight = parameter("weight", init.uniform(Shape.of(in, linear.out()), 1 / Math.sqrt(in)));
    bias = parameter("bias", init.constant(linear.out(), 0, Parameter.Role.BIAS));
  }

  @Override
  void setCandidate(Layer candidate, Averages averages) {
    selected = (Linear) candidate;
  }

  @Override
  @Nullable Parameter source(Layer candidate, String path) {
    return parameters().get(path);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable w = narrow(tape, weight, x.shape().channels(), selected.out());
    Variable z = MatMul.apply(tape, x, w);
    w.release();
    return biased(tape, z, bias, selected.activation());
  }
}
