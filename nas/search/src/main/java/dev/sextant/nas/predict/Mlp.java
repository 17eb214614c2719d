package dev.sextant.nas.predict;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Activate;
import dev.sextant.tensor.Activation;
import java.util.ArrayList;
import java.util.List;

/** Fully connected layers with an activation between them: {@code [N, in]} to {@code [N, 1]}. */
final class Mlp extends Module {
  private final List<Linear> layers = new ArrayList<>();
  private final Activation activation;

  Mlp(Initializer init, int in, List<Integer> hidden, Activation activation) {
    this.activation = activation;
    int width = in;
    for (int units : hidden) {
      add(init, width, units);
      width = units;
    }
    add(init, width, 1);
  }

  private void add(Initializer init, int in, int out) {
    layers.add(child("layers." + layers.size(), new Linear(init, in, out)));
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable y = layers.getFirst().forward(tape, x);
    for (Linear layer : layers.subList(1, layers.size())) {
      Variable h = Activate.apply(tape, y, activation);
      y.release();
      y = layer.forward(tape, h);
      h.release();
    }
    return y;
  }
}
