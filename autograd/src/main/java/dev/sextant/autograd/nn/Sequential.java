package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import java.util.List;

/** Layers one after the other; each one's output is released once the next has read it. */
public class Sequential extends Module {
  private final List<Module> layers;

  /** Layers under the names 0, 1, 2 ... */
  public Sequential(List<? extends Module> layers) {
    this.layers = List.copyOf(layers);
    for (int i = 0; i < layers.size(); i++) {
      child(Integer.toString(i), layers.get(i));
    }
  }

  /** The layers, first to last. */
  public final List<Module> layers() {
    return layers;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable y = x;
    for (Module layer : layers) {
      Variable next = layer.forward(tape, y);
      if (y != x && next != y) {
        y.release();
      }
      y = next;
    }
    return y;
  }
}
