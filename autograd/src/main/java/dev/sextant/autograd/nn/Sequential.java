package dev.sextant.autograd.nn;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Reshape;
import java.util.List;

/**
 * Layers one after the other; of no layers the identity. Each one's output is released once the
 * next has read it.
 */
public final class Sequential extends Module {
  private final List<Module> layers;

  /**
   * Layers under the names 0, 1, 2 ...
   *
   * @param layers first to last
   */
  public Sequential(List<? extends Module> layers) {
    this.layers = List.copyOf(layers);
    for (int i = 0; i < layers.size(); i++) {
      child(Integer.toString(i), layers.get(i));
    }
  }

  /** {@return the layers, first to last} */
  public List<Module> layers() {
    return layers;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return run(tape, layers, x);
  }

  /**
   * {@return the layers one after the other, for modules that name their children otherwise}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param layers first to last
   * @param x input of the first layer
   */
  public static Variable run(Tape tape, List<? extends Module> layers, Variable x) {
    if (layers.isEmpty()) {
      return Reshape.apply(tape, x, x.shape());
    }
    Variable y = x;
    for (int i = 0; i < layers.size(); i++) {
      Variable next = layers.get(i).forward(tape, y);
      if (y != x) {
        y.release();
      }
      y = next;
    }
    return y;
  }
}
