package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.autograd.ops.Dropout;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** An architecture in trainable form. Parameters of layer I have paths {@code layers.I.…}. */
public final class Network extends Module {
  private final List<Module> body;
  private final Module last;
  private final float dropout;
  private final Rng dropoutRng;

  /**
   * A network with fresh weights.
   *
   * @param dropout share of the classifier's input dropped in training, in [0, 1)
   * @param dropoutRng where its masks come from; part of a checkpoint
   */
  public Network(Architecture architecture, Initializer init, float dropout, Rng dropoutRng) {
    List<Module> layers = new ArrayList<>();
    List<Shape> shapes = architecture.shapes();
    for (int i = 0; i < architecture.layers().size(); i++) {
      Module module =
          Modules.of(
              architecture.layers().get(i), shapes.get(i), architecture.batchNormEpsilon(), init);
      layers.add(child("layers." + i, module));
    }
    last = layers.removeLast();
    body = List.copyOf(layers);
    this.dropout = dropout;
    this.dropoutRng = dropoutRng;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable features = Sequential.run(tape, body, x);
    Variable kept = features;
    if (last instanceof Linear && dropout > 0) {
      kept = Dropout.apply(tape, features, dropout, dropoutRng);
    }
    Variable logits = last.forward(tape, kept);
    if (kept != features) {
      kept.release();
    }
    if (features != x) {
      features.release();
    }
    return logits;
  }
}
