package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Layer;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;

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
  public record Range(long minimum, long maximum) {
    /** The range of a count over the candidates of one position. */
    static Range of(List<Layer> candidates, ToLongFunction<Layer> count) {
      long least = Long.MAX_VALUE;
      long most = 0;
      for (Layer layer : candidates) {
        long value = count.applyAsLong(layer);
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      return new Range(least, most);
    }
  }

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

  /**
   * The space of a {@code sextant-space/1} text. Where a repeated choice changes the shape, its
   * first position has no {@code skip}, as in the ProxylessNAS space.
   *
   * @param source what errors call the text: a file name
   * @throws SextantException naming the source and the path of what is wrong
   */
  public static Space parse(String json, String source) {
    return SpaceJson.read(json, source);
  }

  /**
   * The space in a {@code sextant-space/1} file.
   *
   * @throws SextantException naming the file and what is wrong
   */
  public static Space read(Path file) {
    return parse(JsonText.readFile(file), file.toString());
  }

  /** The names that {@link #named} takes. */
  public static List<String> names() {
    return Spaces.NAMES;
  }

  /**
   * The built-in space of that name.
   *
   * <ul>
   *   <li>{@code proxyless-imagenet}: the space of ProxylessNAS (Cai et al., 2019) as its released
   *       code has it: 21 choices among MBConv with kernels 3, 5, 7 and expansions 3, 6, and skip;
   *       224x224x3, 1000 classes
   *   <li>{@code proxyless-cifar}: the same at 32x32x3 with 10 classes: stem stride 1, stage
   *       strides 1, 2, 2, 1, 2, 1
   *   <li>{@code proxyless-small}: 9 choices among the same candidates, widths 24, 40, 80 at
   *       strides 2, 2, 1 after a stride-2 block, for small images on a laptop: at 28x28x1 and 10
   *       classes its networks have 1.2 to 7.8 million MACs
   * </ul>
   *
   * @throws SextantException if there is none of that name
   */
  public static Space named(String name) {
    return Spaces.named(name);
  }

  /** The {@code sextant-space/1} text that {@link #parse} reads back to an equal record. */
  public String toJson() {
    return SpaceJson.write(this);
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

  private Range range(ToLongBiFunction<Layer, Shape> count) {
    Shape[] inputs = inputShapes();
    long minimum = 0;
    long maximum = 0;
    for (int i = 0; i < inputs.length; i++) {
      Shape input = inputs[i];
      Range range = Range.of(candidates(i), layer -> count.applyAsLong(layer, input));
      minimum += range.minimum();
      maximum += range.maximum();
    }
    return new Range(minimum, maximum);
  }
}
