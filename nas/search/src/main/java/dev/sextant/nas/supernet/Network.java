package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Dropout;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.nas.flight.FlightEvents;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** An architecture in trainable form. Parameters of layer I have paths {@code layers.I.…}. */
public final class Network extends Module {
  private static final Tap NOTHING = (layer, y) -> {};

  private final List<Module> body;
  private final Module last;
  private final boolean forks;

  /** Whether it predicts boxes on its way, of which the last layer is one place. */
  private final boolean detects;

  /** Whether the last layer is a classifier. */
  private final boolean classifies;

  private final float dropout;
  private final Rng dropoutRng;

  /** How many of the first layers are not trained. */
  private int frozen;

  /** Of the pass being made, the older input of the cell that comes next, if that reads one. */
  private @Nullable Variable older;

  /**
   * A network with fresh weights.
   *
   * @param architecture of the network
   * @param init how fresh weights are drawn
   * @param dropout share of the classifier's input dropped in training, in [0, 1)
   * @param dropoutRng where its masks and those of drop path come from; part of a checkpoint
   */
  public Network(Architecture architecture, Initializer init, float dropout, Rng dropoutRng) {
    List<Module> layers = new ArrayList<>();
    List<Shape> shapes = architecture.shapes();
    double epsilon = architecture.batchNormEpsilon();
    for (int i = 0; i < architecture.layers().size(); i++) {
      Module module =
          switch (architecture.layers().get(i)) {
            case Cell cell ->
                new CellModule(cell, shapes.get(i), (float) epsilon, init, dropoutRng);
            case Junction junction -> new Chain.JunctionModule(junction);
            case Layer layer -> new LayerModule(layer, shapes.get(i), epsilon, init);
          };
      layers.add(child("layers." + i, module));
    }
    detects = architecture.detects();
    last = detects ? layers.getLast() : layers.removeLast();
    classifies = architecture.layers().getLast() instanceof Linear;
    body = List.copyOf(layers);
    forks = body.stream().anyMatch(Chain.JunctionModule.class::isInstance);
    this.dropout = dropout;
    this.dropoutRng = dropoutRng;
  }

  /**
   * The share of each image's paths through cells dropped in training from now on, in [0, 1).
   *
   * @param rate share of paths, in [0, 1)
   */
  public void setDropPath(float rate) {
    for (Module layer : body) {
      if (layer instanceof CellModule cell) {
        cell.setDropPath(rate);
      }
    }
  }

  /**
   * Has every block take part from the start, as {@link Supernet#startUnscaled} does.
   *
   * @param backend of the network
   */
  public void startUnscaled(Backend backend) {
    Modules.unitNorms(this, backend);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return forward(tape, x, NOTHING);
  }

  /** Sees the output of a layer, which it must not release. */
  public interface Tap {
    /**
     * Called for each layer but the last, in order.
     *
     * @param layer index of the layer
     * @param y its output
     */
    void output(int layer, Variable y);
  }

  /**
   * {@return the logits, or the predictions of boxes, of a pass that a tap looks into: where an
   * auxiliary classifier is attached} A tap sees nothing of a network that forks or detects.
   *
   * @param tape what the pass is recorded on
   * @param x images {@code [N, H, W, C]}
   * @param tap told the output of each layer but the last
   */
  public Variable forward(Tape tape, Variable x, Tap tap) {
    if (detects) {
      return Chain.run(tape, body, x);
    }
    Variable features = features(tape, x, tap);
    Variable kept = features;
    if (classifies && dropout > 0) {
      kept = Dropout.apply(tape, features, dropout, dropoutRng);
    }
    Variable logits = last.forward(tape, kept);
    if (kept != features) {
      kept.release();
    }
    features.release();
    return logits;
  }

  private Variable layer(Tape tape, int i, @Nullable Variable before, Variable y) {
    if (!FlightEvents.hasLayers()) {
      return forward(tape, i, before, y);
    }
    FlightEvents.LayerForward event = new FlightEvents.LayerForward();
    event.begin();
    Variable output = forward(tape, i, before, y);
    event.index = i;
    event.commit();
    return output;
  }

  private Variable forward(Tape tape, int i, @Nullable Variable before, Variable y) {
    return before != null && body.get(i) instanceof CellModule cell
        ? cell.forward(tape, before, y)
        : body.get(i).forward(tape, y);
  }

  /**
   * Has the first layers stay as they are: in training too their batch norms have the running
   * statistics, nothing of them is recorded, and their weights get no gradient.
   *
   * @param layers how many, less than all
   * @throws SextantException if a chain that forks would be parted inside a fork
   */
  public void freeze(int layers) {
    if (detects && layers > 0) {
      throw new SextantException("freeze: a detector is trained whole");
    }
    int open = 0;
    for (int i = 0; i < layers; i++) {
      Module layer = body.get(i);
      layer.setFrozen(true);
      if (layer instanceof Chain.JunctionModule junction) {
        open += junction.opens();
      }
    }
    if (open != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "freeze: the chain forks at layers.%d, freeze it as a whole", layers));
    }
    frozen = layers;
  }

  /** All layers but the last. */
  private Variable features(Tape tape, Variable x, Tap tap) {
    if (frozen == 0 || tape.mode() == Tape.Mode.EVAL) {
      Variable y = run(tape, 0, body.size(), null, x, tap);
      return y == x ? Reshape.apply(tape, x, x.shape()) : y;
    }
    Tensor still;
    Tensor before;
    try (Tape evaluation = tape.evaluation()) {
      Variable input = evaluation.constant(x.value());
      still = evaluation.yield(run(evaluation, 0, frozen, null, input, tap).value());
      before = older == null ? null : evaluation.yield(older.value());
    }
    Variable begun = before == null ? null : tape.constant(before);
    return run(tape, frozen, body.size(), begun, tape.constant(still), tap);
  }

  /**
   * Some layers, whose input stays the caller's. A layer's input is kept while the next one, a
   * cell, reads it too.
   */
  private Variable run(Tape tape, int from, int to, @Nullable Variable begun, Variable x, Tap tap) {
    older = null;
    if (forks) {
      return Chain.run(tape, body.subList(from, to), x);
    }
    Variable before = begun;
    Variable y = x;
    for (int i = from; i < to; i++) {
      Variable next = layer(tape, i, before, y);
      tap.output(i, next);
      if (before != null && before != x) {
        before.release();
      }
      before = null;
      Module following = i + 1 < body.size() ? body.get(i + 1) : last;
      if (following instanceof CellModule cell && cell.hasOlder()) {
        before = y;
      } else if (y != x) {
        y.release();
      }
      y = next;
    }
    older = before;
    return y;
  }
}
