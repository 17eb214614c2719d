package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * A search space: a chain of positions, each a layer or a choice among layers of equal shape.
 *
 * <p>Shapes do not depend on the decisions, so that costs add up position by position. Immutable;
 * the constructor checks the shapes and throws {@link SextantException}.
 *
 * @param name what reports call it
 * @param classes width of the logits
 * @param input the image its networks take
 * @param batchNormEpsilon added to the variance in every batch norm
 * @param positions from the input to the logits
 */
public record Space(
    String name,
    int classes,
    Architecture.Input input,
    double batchNormEpsilon,
    List<Position> positions) {

  /**
   * The least and the most over all networks of a space.
   *
   * @param minimum of the network with the cheapest candidate everywhere
   * @param maximum of the network with the dearest candidate everywhere
   */
  public record Range(long minimum, long maximum) {}

  /** Checks that every candidate fits, and that the chain ends in the logits. */
  public Space {
    positions = List.copyOf(positions);
    List<Layer> first = new ArrayList<>(positions.size());
    for (Position position : positions) {
      first.add(
          switch (position) {
            case Position.Fixed fixed -> fixed.layer();
            case Position.Choice choice -> choice.candidates().getFirst();
          });
    }
    List<Shape> shapes = new Architecture(name, classes, input, batchNormEpsilon, first).shapes();
    for (int i = 0; i < positions.size(); i++) {
      if (positions.get(i) instanceof Position.Choice choice) {
        for (int j = 1; j < choice.candidates().size(); j++) {
          checkCandidate(
              "%s: layers[%d].choice[%d]".formatted(name, i, j),
              choice.candidates().get(j),
              shapes.get(i),
              shapes.get(i + 1));
        }
      }
    }
  }

  private static void checkCandidate(String where, Layer layer, Shape input, Shape expected) {
    Shape output;
    try {
      output = layer.output(input);
    } catch (SextantException e) {
      throw new SextantException(where + ": " + e.getMessage(), e);
    }
    if (!output.equals(expected)) {
      throw new SextantException(
          "%s: gives %s where choice[0] gives %s".formatted(where, output, expected));
    }
  }

  /** The choices in order; decision d of {@link #derive} belongs to choice d. */
  public List<Position.Choice> choices() {
    List<Position.Choice> choices = new ArrayList<>();
    for (Position position : positions) {
      if (position instanceof Position.Choice choice) {
        choices.add(choice);
      }
    }
    return List.copyOf(choices);
  }

  /** How many combinations of decisions there are. */
  public BigInteger size() {
    BigInteger size = BigInteger.ONE;
    for (Position.Choice choice : choices()) {
      size = size.multiply(BigInteger.valueOf(choice.candidates().size()));
    }
    return size;
  }

  /** The input shape of each position for batch 1. */
  public Shape[] inputShapes() {
    Shape[] shapes = new Shape[positions.size()];
    Shape shape = input.shape(1);
    for (int i = 0; i < shapes.length; i++) {
      shapes[i] = shape;
      shape = candidates(i).getFirst().output(shape);
    }
    return shapes;
  }

  /**
   * The network of these decisions, one for each choice in order. Layer i is of position i: a
   * skipped position stays as {@link Layer.Skip}.
   *
   * @throws SextantException if there are too few or too many decisions or one is out of range
   */
  public Architecture derive(int[] decisions) {
    int choices = choices().size();
    if (decisions.length != choices) {
      throw new SextantException(
          "%s: %d decisions for %d choices".formatted(name, decisions.length, choices));
    }
    List<Layer> layers = new ArrayList<>(positions.size());
    int next = 0;
    for (Position position : positions) {
      switch (position) {
        case Position.Fixed fixed -> layers.add(fixed.layer());
        case Position.Choice choice -> {
          int decision = decisions[next];
          if (decision < 0 || decision >= choice.candidates().size()) {
            throw new SextantException(
                "%s: decision %d is %d, the choice has %d candidates"
                    .formatted(name, next, decision, choice.candidates().size()));
          }
          layers.add(choice.candidates().get(decision));
          next++;
        }
      }
    }
    return new Architecture(name, classes, input, batchNormEpsilon, layers);
  }

  /** Trained scalars of the multi-path supernet: all candidates of all positions. */
  public long supernetParameters() {
    Shape[] inputs = inputShapes();
    long sum = 0;
    for (int i = 0; i < inputs.length; i++) {
      for (Layer layer : candidates(i)) {
        sum += layer.parameters(inputs[i]);
      }
    }
    return sum;
  }

  /** Trained scalars of the smallest and of the largest network. */
  public Range parameters() {
    return range(Layer::parameters);
  }

  /** Multiply-adds for one image of the cheapest and of the dearest network. */
  public Range macs() {
    return range(Layer::macs);
  }

  /**
   * The same space for other images and another number of classes.
   *
   * @throws SextantException if a candidate does not fit the image, or the classes change and the
   *     last position is not a fixed {@link Layer.Linear}
   */
  public Space withInput(Architecture.Input input, int classes) {
    if (classes == this.classes) {
      return new Space(name, classes, input, batchNormEpsilon, positions);
    }
    if (!(positions.getLast() instanceof Position.Fixed(Layer.Linear _))) {
      throw new SextantException(
          name + ": the number of classes can change only where the last layer is a fixed linear");
    }
    List<Position> changed = new ArrayList<>(positions);
    changed.set(changed.size() - 1, new Position.Fixed(new Layer.Linear(classes)));
    return new Space(name, classes, input, batchNormEpsilon, changed);
  }

  /** The layers that position i can be. */
  private List<Layer> candidates(int i) {
    return switch (positions.get(i)) {
      case Position.Fixed fixed -> List.of(fixed.layer());
      case Position.Choice choice -> choice.candidates();
    };
  }

  private interface Count {
    long of(Layer layer, Shape input);
  }

  private Range range(Count count) {
    Shape[] inputs = inputShapes();
    long minimum = 0;
    long maximum = 0;
    for (int i = 0; i < inputs.length; i++) {
      long least = Long.MAX_VALUE;
      long most = 0;
      for (Layer layer : candidates(i)) {
        long value = count.of(layer, inputs[i]);
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      minimum += least;
      maximum += most;
    }
    return new Range(minimum, maximum);
  }
}
