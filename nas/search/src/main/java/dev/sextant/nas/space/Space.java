package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Branches;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerSchema;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/**
 * A search space: a chain of positions, each a layer or a choice among layers of equal shape, and
 * widths that are searched.
 *
 * <p>Heights and widths of images do not depend on the decisions, and channels on none but the
 * {@link WidthChoice}s. Decisions are numbered: first the choices among layers, then the choices of
 * widths, each in the order of the chain. Immutable; the constructor checks the shapes and throws
 * {@link SextantException}.
 *
 * @param name what reports call it
 * @param classes width of the logits
 * @param input the image its networks take
 * @param batchNormEpsilon added to the variance in every batch norm
 * @param positions from the input to the logits, with the largest widths
 * @param widthChoices in the order of the chain, none overlapping another
 */
public record Space(
    String name,
    int classes,
    Architecture.Input input,
    double batchNormEpsilon,
    List<Position> positions,
    List<WidthChoice> widthChoices)
    implements SearchSpace {

  /**
   * The least and the most over all networks of a space.
   *
   * @param minimum of the cheapest network
   * @param maximum of the dearest network
   */
  public record Range(long minimum, long maximum) {
    /** The range of a count over the candidates of one position. */
    static Range of(List<Layer> candidates, ToLongFunction<Layer> count) {
      long[] counts = candidates.stream().mapToLong(count).sorted().toArray();
      return new Range(counts[0], counts[counts.length - 1]);
    }
  }

  /**
   * A space of fixed widths.
   *
   * @param name what reports call it
   * @param classes width of the logits
   * @param input size of the images
   * @param batchNormEpsilon added to variances in batch norms
   * @param positions the chain, from the image to the logits
   */
  public Space(
      String name,
      int classes,
      Architecture.Input input,
      double batchNormEpsilon,
      List<Position> positions) {
    this(name, classes, input, batchNormEpsilon, positions, List.of());
  }

  /** Checks that every candidate fits, and that the chain ends in the logits. */
  public Space {
    positions = List.copyOf(positions);
    widthChoices = List.copyOf(widthChoices);
    List<Layer> first = positions.stream().map(position -> position.layers().getFirst()).toList();
    List<Shape> shapes = new Architecture(name, classes, input, batchNormEpsilon, first).shapes();
    for (int i = 0; i < positions.size(); i++) {
      if (positions.get(i) instanceof Position.Choice choice) {
        for (int j = 1; j < choice.candidates().size(); j++) {
          checkCandidate(
              String.format(Locale.ROOT, "%s: layers[%d].choice[%d]", name, i, j),
              choice.candidates().get(j),
              shapes.get(i),
              shapes.get(i + 1));
        }
      }
    }
    int free = 0;
    for (WidthChoice width : widthChoices) {
      if (width.first() < free || width.last() >= positions.size() - 1) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: widths of positions %d to %d overlap others or the logits",
                name,
                width.first(),
                width.last()));
      }
      free = width.last() + 1;
      for (int i = width.first(); i <= width.last(); i++) {
        if (shapes.get(i + 1).channels() != width.largest()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: layers[%d]: gives %d channels where the largest width is %d",
                  name,
                  i,
                  shapes.get(i + 1).channels(),
                  width.largest()));
        }
      }
      checkResiduals(name, positions, width);
    }
  }

  /** Where input and output are not of one width decision, no identity fits around a layer. */
  private static void checkResiduals(String name, List<Position> positions, WidthChoice width) {
    for (int i : new int[] {width.first(), width.last() + 1}) {
      for (Layer layer : positions.get(i).layers()) {
        boolean keeps = WidthChoice.keepsWidth(layer);
        if (keeps || layer instanceof MbConv block && block.residual()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: layers[%d]: %s needs equal widths, and here they are searched apart",
                  name,
                  i,
                  keeps ? layer.label() : "a residual"));
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
          String.format(
              Locale.ROOT, "%s: gives %s where choice[0] gives %s", where, output, expected));
    }
  }

  /**
   * {@return the space of a {@code sextant-space/1} text} Where a repeated choice changes the
   * shape, its first position has no {@code skip}, as in the ProxylessNAS space.
   *
   * @param json the text
   * @param source what errors call the text: a file name
   * @throws SextantException naming the source and the path of what is wrong
   */
  public static Space parse(String json, String source) {
    return SpaceJson.read(json, source);
  }

  /**
   * {@return the space in a {@code sextant-space/1} file}
   *
   * @param file a JSON file
   * @throws SextantException naming the file and what is wrong
   */
  public static Space read(Path file) {
    return parse(JsonText.readFile(file), file.toString());
  }

  /**
   * {@return the JSON Schema of {@code sextant-space/1}, with every layer that can be named here:
   * those of {@link dev.sextant.runtime.layer.LayerProvider}s too}
   */
  public static String schema() {
    return LayerSchema.complete(SpaceJson.shippedSchema(), true);
  }

  /** {@return the names that {@link #named} takes} */
  public static List<String> names() {
    return Spaces.NAMES;
  }

  /**
   * {@return the built-in space of that name}
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
   *   <li>{@code proxyless-cifar-tree}: the CIFAR-10 space of ProxylessNAS, 54 residual blocks of a
   *       PyramidNet with a tree of 12 choices in each; {@code proxyless-tree-small}: three narrow
   *       ones, 36 choices
   *   <li>{@code single-path-imagenet}: the space of Single-Path NAS (Stamoulis et al., 2019) as
   *       its released code has it: 20 choices among MBConv with kernels 3, 5 and expansions 3, 6,
   *       and skip but where the shape changes; 3.1e13 networks; 224x224x3, 1000 classes
   *   <li>{@code single-path-cifar}: the same at 32x32x3 with 10 classes: stem stride 1, stage
   *       strides 1, 2, 2, 1, 2
   *   <li>{@code tunas-proxyless}, {@code tunas-proxyless-enlarged}, {@code tunas-mobilenet-v3}:
   *       the spaces of TuNAS (Bender et al., 2020), of 6.6e17, 4.3e24 and 2.6e38 networks;
   *       224x224x3, 1001 classes. The second searches the width of each stage among seven
   *       multiples of its base, rounded to 8; the third also expansions from 1 to 6 and
   *       squeeze-and-excite, with h-swish in its later stages.
   *   <li>{@code tunas-mobilenet-v3-ssdlite}: the third's body for objects (appendix E.3): SSDLite
   *       reads the last layers of stride 16 (C4) and 32 (C5), four smaller levels follow; 90
   *       classes, 320x320x3
   *   <li>{@code detection-small}: 8 choices among MBConv with kernels 3, 5, expansions 3, 6 and
   *       skip, with predictors at strides 4, 8 and 16, for scenes of 64x64x3 on a laptop
   * </ul>
   *
   * @param name one of {@link #names}
   * @throws SextantException if there is none of that name
   */
  public static Space named(String name) {
    return Spaces.named(name);
  }

  @Override
  public String toJson() {
    return SpaceJson.write(this);
  }

  /** {@return the choices in order; decision d of {@link #derive} belongs to choice d} */
  public List<Position.Choice> choices() {
    List<Position.Choice> choices = new ArrayList<>();
    for (Position position : positions) {
      if (position instanceof Position.Choice choice) {
        choices.add(choice);
      }
    }
    return List.copyOf(choices);
  }

  @Override
  public boolean detects() {
    return positions.getLast() instanceof Position.Fixed(Detect _);
  }

  /** The choices' candidates first, then the widths. */
  @Override
  public int[] options() {
    return IntStream.concat(
            choices().stream().mapToInt(choice -> choice.candidates().size()),
            widthChoices.stream().mapToInt(width -> width.options().size()))
        .toArray();
  }

  @Override
  public int[] probabilityRows() {
    return options();
  }

  @Override
  public int layers() {
    return positions.size();
  }

  /** How many combinations of decisions there are. */
  @Override
  public BigInteger size() {
    BigInteger size = BigInteger.ONE;
    for (int options : options()) {
      size = size.multiply(BigInteger.valueOf(options));
    }
    return size;
  }

  /**
   * {@return the decision that gives position i's output its width, or -1 where it is fixed}
   *
   * @param i index of the position
   */
  public int widthDecision(int i) {
    for (int w = 0; w < widthChoices.size(); w++) {
      if (i >= widthChoices.get(w).first() && i <= widthChoices.get(w).last()) {
        return choices().size() + w;
      }
    }
    return -1;
  }

  /**
   * {@return the widths that position i's output can have: those searched, or the one it has}
   *
   * @param i index of the position
   */
  public List<Integer> widths(int i) {
    int decision = widthDecision(i);
    if (decision >= 0) {
      return widthChoices.get(decision - choices().size()).options();
    }
    return List.of(
        i < 0
            ? input.channels()
            : positions.get(i).layers().getFirst().output(inputShapes()[i]).channels());
  }

  /** {@return the input shape of each position for batch 1, with the largest widths} */
  public Shape[] inputShapes() {
    Shape[] shapes = new Shape[positions.size()];
    Shape shape = input.shape(1);
    Branches branches = new Branches();
    for (int i = 0; i < shapes.length; i++) {
      shapes[i] = shape;
      shape = branches.output(positions.get(i).layers().getFirst(), shape);
    }
    return shapes;
  }

  /**
   * The network of these decisions, one for each choice in order and then one for each width. Layer
   * i is of position i: a skipped position stays as {@link Skip}.
   *
   * @throws SextantException if there are too few or too many decisions or one is out of range
   */
  @Override
  public Architecture derive(int[] decisions) {
    int[] options = options();
    if (decisions.length != options.length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d decisions for %d choices",
              name,
              decisions.length,
              options.length));
    }
    for (int d = 0; d < options.length; d++) {
      if (decisions[d] < 0 || decisions[d] >= options[d]) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: decision %d is %d, the choice has %d candidates",
                name,
                d,
                decisions[d],
                options[d]));
      }
    }
    List<Layer> layers = new ArrayList<>(positions.size());
    int choice = 0;
    for (int i = 0; i < positions.size(); i++) {
      Layer layer =
          switch (positions.get(i)) {
            case Position.Fixed fixed -> fixed.layer();
            case Position.Choice(List<Layer> candidates) -> candidates.get(decisions[choice++]);
          };
      int width = widthDecision(i);
      layers.add(width < 0 ? layer : WidthChoice.withOut(layer, widths(i).get(decisions[width])));
    }
    return new Architecture(name, classes, input, batchNormEpsilon, layers);
  }

  /**
   * {@return trained scalars of the multi-path supernet: all candidates of all positions, full
   * width}
   */
  public long supernetParameters() {
    Shape[] inputs = inputShapes();
    long sum = 0;
    for (int i = 0; i < inputs.length; i++) {
      for (Layer layer : positions.get(i).layers()) {
        sum += layer.parameters(inputs[i]);
      }
    }
    return sum;
  }

  /** {@return trained scalars of the smallest and of the largest network} */
  public Range parameters() {
    return range(Layer::parameters);
  }

  /** {@return multiply-adds for one image of the cheapest and of the dearest network} */
  public Range macs() {
    return range(Layer::macs);
  }

  /**
   * The same space for other images and another number of classes.
   *
   * @throws SextantException if a candidate does not fit the image, or the classes change and the
   *     last position is not a fixed {@link Linear}
   */
  @Override
  public Space withInput(Architecture.Input input, int classes) {
    if (classes == this.classes) {
      return new Space(name, classes, input, batchNormEpsilon, positions, widthChoices);
    }
    if (detects()) {
      List<Position> changed = new ArrayList<>(positions);
      changed.replaceAll(
          position ->
              position instanceof Position.Fixed(Detect detect)
                  ? new Position.Fixed(Detect.withClasses(List.of(detect), classes).getFirst())
                  : position);
      return new Space(name, classes, input, batchNormEpsilon, changed, widthChoices);
    }
    if (!(positions.getLast() instanceof Position.Fixed(Linear _))) {
      throw new SextantException(
          name + ": the number of classes can change only where the last layer is a fixed linear");
    }
    List<Position> changed = new ArrayList<>(positions);
    changed.set(changed.size() - 1, new Position.Fixed(new Linear(classes)));
    return new Space(name, classes, input, batchNormEpsilon, changed, widthChoices);
  }

  private Range range(ToLongBiFunction<Layer, Shape> count) {
    // Exact but for networks that no machine holds: others' counts come nowhere near 2^53.
    LayerSum sum = LayerSum.of(this, (layer, shape) -> count.applyAsLong(layer, shape), 0);
    if (sum.maximum() >= Long.MAX_VALUE) {
      throw new SextantException(
          name
              + ": its networks count more than a long integer holds (parameters or"
              + " multiply-adds)");
    }
    return new Range((long) sum.minimum(), (long) sum.maximum());
  }
}
