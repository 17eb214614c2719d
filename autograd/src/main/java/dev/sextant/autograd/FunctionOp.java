package dev.sextant.autograd;

import dev.sextant.tensor.Tensor;
import java.util.function.Consumer;

/** An op whose backward pass is a function. */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
final class FunctionOp extends Op {
  static final Kind<FunctionOp> KIND = new Kind<>("function", FunctionOp::new);

  private String name;
  private Consumer<Tensor> backward;

  private FunctionOp() {}

  void set(String name, Variable[] inputs, Variable[] saved, Consumer<Tensor> backward) {
    this.name = name;
    this.backward = backward;
    for (Variable input : inputs) {
      input(input);
    }
    for (Variable variable : saved) {
      save(variable);
    }
  }

  @Override
  String name() {
    return name;
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    backward.accept(dy);
  }
}
