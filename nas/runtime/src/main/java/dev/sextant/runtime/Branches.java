package dev.sextant.runtime;

import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The shapes along a chain of layers that forks, and that looks for objects on its way: goes from
 * layer to layer, first to last. A {@link Detect} layer hands its input on; what it predicts goes
 * to the network's output.
 */
public final class Branches {
  private final Deque<Fork> open = new ArrayDeque<>();

  /** Numbers that the predictors so far give for an image. */
  private long predictions;

  private @Nullable Layer last;

  /** At the first layer, with no fork open. */
  public Branches() {}

  /** A fork that no sum has ended yet, and what its branches gave. */
  private record Fork(Shape input, List<Shape> outputs) {}

  /**
   * {@return the output of the chain's next layer}
   *
   * @param layer the next of the chain
   * @param input what it takes
   * @throws SextantException if the layer cannot stand there
   */
  public Shape output(Layer layer, Shape input) {
    last = layer;
    if (layer instanceof Detect detect) {
      if (!open.isEmpty()) {
        throw new SextantException("detect: cannot stand in a branch");
      }
      predictions += detect.predictions(input);
      return input;
    }
    if (!(layer instanceof Junction junction)) {
      return layer.output(input);
    }
    if (junction.kind() == Junction.Kind.FORK) {
      open.push(new Fork(input, new ArrayList<>()));
      return input;
    }
    Fork fork = open.peek();
    if (fork == null) {
      throw new SextantException(junction.type().op() + ": there is no fork before it");
    }
    fork.outputs.add(input);
    if (junction.kind() == Junction.Kind.NEXT) {
      return fork.input;
    }
    if (fork.outputs.size() < 2) {
      throw new SextantException("sum: of one branch; a next is missing");
    }
    open.pop();
    Shape widest = input;
    for (Shape output : fork.outputs) {
      if (!output.withChannels(input.channels()).equals(input)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "sum: branches give %s and %s, which must have one height and width",
                output,
                input));
      }
      widest = output.channels() > widest.channels() ? output : widest;
    }
    return widest;
  }

  /**
   * {@return the same, errors naming where the layer stands}
   *
   * @param fields of the layer's entry
   * @param layer the next of the chain
   * @param input what it takes
   */
  @SuppressWarnings("exports") // dev.sextant.search shares the JSON reader
  public Shape output(JsonFields fields, Layer layer, Shape input) {
    try {
      return output(layer, input);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  /**
   * {@return what a network gives for one image whose last layer was just passed: that layer's
   * output, or the predictions of all its predictors}
   *
   * @param output of the last layer
   * @throws SextantException if layers follow the last predictor, or it predicts too much
   */
  public Shape end(Shape output) {
    if (predictions == 0) {
      return output;
    }
    if (!(last instanceof Detect)) {
      throw new SextantException("nothing reads what comes after the last detect");
    }
    if (predictions > Integer.MAX_VALUE) {
      throw new SextantException(
          String.format(Locale.ROOT, "%d predicted numbers are too many", predictions));
    }
    return Shape.of(1, (int) predictions);
  }

  /** {@return whether it has passed a layer that looks for objects} */
  public boolean detects() {
    return predictions > 0;
  }

  /** {@return whether every fork has ended} */
  public boolean isClosed() {
    return open.isEmpty();
  }
}
