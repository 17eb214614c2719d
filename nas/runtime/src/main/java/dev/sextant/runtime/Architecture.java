package dev.sextant.runtime;

import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerSchema;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A network with every choice made: a chain of layers from an image to logits, which may fork
 * ({@link Junction}), and of which cells read the output of the layer before the previous one too.
 *
 * <p>Immutable; the constructor checks that the shapes fit from the input to {@code [1, classes]}
 * and throws {@link SextantException} otherwise.
 *
 * @param name what reports call it
 * @param classes width of the logits
 * @param input the image it takes
 * @param batchNormEpsilon added to the variance in every batch norm
 * @param layers from the input to the logits
 */
public record Architecture(
    String name, int classes, Input input, double batchNormEpsilon, List<Layer> layers) {
  /** Most layers a network may have. */
  public static final int MAX_LAYERS = 10_000;

  /** Largest height and width of an image. */
  public static final int MAX_IMAGE = 16_384;

  /** Longest name. */
  public static final int MAX_NAME = 100;

  /** Smallest epsilon of batch norm; the largest is 1. */
  public static final double MIN_BATCH_NORM_EPSILON = 1e-12;

  /** Batch norm's epsilon where none is given: that of the ProxylessNAS and MnasNet networks. */
  public static final double DEFAULT_BATCH_NORM_EPSILON = 1e-3;

  /**
   * The image a network takes.
   *
   * @param height rows, 1 to 16,384
   * @param width columns, 1 to 16,384
   * @param channels 1 to 65,536
   */
  public record Input(int height, int width, int channels) {
    /** Checks the ranges. */
    public Input {
      if (height < 1 || height > MAX_IMAGE || width < 1 || width > MAX_IMAGE) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "input: an image of %d x %d pixels is not between 1 and %d on each side",
                height,
                width,
                MAX_IMAGE));
      }
      if (channels < 1 || channels > Layer.MAX_WIDTH) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "input: %d channels is not between 1 and %d",
                channels,
                Layer.MAX_WIDTH));
      }
    }

    /**
     * {@return the shape {@code [batch, height, width, channels]}}
     *
     * @param batch number of images
     */
    public Shape shape(int batch) {
      return Shape.of(batch, height, width, channels);
    }
  }

  /** Checks that the layers fit together. */
  public Architecture {
    layers = List.copyOf(layers);
    if (!isName(name)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "name: must have 1 to %d characters, none of them control characters",
              MAX_NAME));
    }
    if (classes < 1 || classes > Layer.MAX_WIDTH) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d classes is not between 1 and %d",
              name,
              classes,
              Layer.MAX_WIDTH));
    }
    if (!(batchNormEpsilon >= MIN_BATCH_NORM_EPSILON && batchNormEpsilon <= 1)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: batch-norm-epsilon %s is not between %s and 1",
              name,
              batchNormEpsilon,
              MIN_BATCH_NORM_EPSILON));
    }
    if (layers.isEmpty() || layers.size() > MAX_LAYERS) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d layers is not between 1 and %d",
              name,
              layers.size(),
              MAX_LAYERS));
    }
    Shape before = null;
    Shape shape = input.shape(1);
    Branches branches = new Branches();
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i) instanceof Zero) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: layers[%d]: zero would cut the chain", name, i));
      }
      try {
        if (layers.get(i) instanceof Cell cell) {
          checkOlder(cell, before, shape);
          if (cell.older() != null && layers.stream().anyMatch(Junction.class::isInstance)) {
            throw new SextantException("cell: one of two inputs cannot stand where chains fork");
          }
        }
        before = shape;
        shape = branches.output(layers.get(i), shape);
      } catch (SextantException e) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: layers[%d]: %s", name, i, e.getMessage()), e);
      }
    }
    if (!branches.isClosed()) {
      throw new SextantException(name + ": a fork has no sum");
    }
    try {
      NetworkHeader.checkEnd(classes, layers, branches, shape);
    } catch (SextantException e) {
      throw new SextantException(name + ": " + e.getMessage(), e);
    }
  }

  /** A cell says what its older input is: that must be the input of the layer before it. */
  private static void checkOlder(Cell cell, @Nullable Shape before, Shape shape) {
    if (cell.older() == null) {
      return;
    }
    if (before == null) {
      throw new SextantException("cell: a first layer has one input");
    }
    Cell.Older older = Cell.Older.of(before, shape);
    if (!older.equals(cell.older())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cell: the older input is %s, the cell is made for %s",
              before,
              cell.older().shape(shape)));
    }
  }

  /**
   * {@return whether a network can have that name: 1 to {@value #MAX_NAME} characters, not all
   * blank, no control characters (names are printed to terminals)}
   *
   * @param name any text
   */
  public static boolean isName(String name) {
    return !name.isBlank()
        && name.codePointCount(0, name.length()) <= MAX_NAME
        && name.chars().noneMatch(Character::isISOControl);
  }

  /** {@return the shapes for batch 1: that of the input, then the output of each layer} */
  public List<Shape> shapes() {
    List<Shape> shapes = new ArrayList<>(layers.size() + 1);
    shapes.add(input.shape(1));
    Branches branches = new Branches();
    for (Layer layer : layers) {
      shapes.add(branches.output(layer, shapes.getLast()));
    }
    return List.copyOf(shapes);
  }

  /** {@return whether it looks for objects, and gives predictions of boxes instead of logits} */
  public boolean detects() {
    return layers.getLast() instanceof Detect;
  }

  /**
   * Checks that it gives logits.
   *
   * @throws SextantException if it looks for objects
   */
  public void requireClassifier() {
    if (detects()) {
      throw new SextantException(
          name + ": looks for objects, it names no class of an image; use a Detector");
    }
  }

  /** {@return how many numbers it gives for an image: logits, or what its predictors predict} */
  public int outputs() {
    List<Shape> shapes = shapes();
    int sum = 0;
    for (int i = 0; i < layers.size(); i++) {
      sum += layers.get(i) instanceof Detect detect ? detect.predictions(shapes.get(i)) : 0;
    }
    return sum == 0 ? classes : sum;
  }

  /** {@return the trained scalars, counted as {@link Layer} says} */
  public long parameters() {
    List<Shape> shapes = shapes();
    long sum = 0;
    for (int i = 0; i < layers.size(); i++) {
      sum += layers.get(i).parameters(shapes.get(i));
    }
    return sum;
  }

  /**
   * {@return the multiply-adds for one image, counted as {@link Layer} says}
   *
   * @throws SextantException if they are 2<sup>63</sup> or more
   */
  public long macs() {
    List<Shape> shapes = shapes();
    long sum = 0;
    try {
      for (int i = 0; i < layers.size(); i++) {
        sum = Math.addExact(sum, layers.get(i).macs(shapes.get(i)));
      }
    } catch (ArithmeticException e) {
      throw new SextantException(name + ": has more multiply-adds than a long integer holds", e);
    }
    return sum;
  }

  /**
   * {@return the network of a {@code sextant-architecture/1} text}
   *
   * @param json the text
   * @param source what errors call the text: a file name
   * @throws SextantException naming the source and the path of what is wrong
   */
  public static Architecture parse(String json, String source) {
    return ArchitectureJson.read(json, source);
  }

  /**
   * The network in a {@code sextant-architecture/1} file.
   *
   * @param file of the text
   * @return the network
   * @throws SextantException naming the file and what is wrong
   */
  public static Architecture read(Path file) {
    return parse(JsonText.readFile(file), file.toString());
  }

  /**
   * {@return the {@code sextant-architecture/1} text that {@link #parse} reads back to an equal
   * record}
   */
  public String toJson() {
    return ArchitectureJson.write(this);
  }

  /**
   * {@return the SHA-256 of what it computes, its name left out, as 64 hexadecimal digits} Weights
   * keep it, so that they are never run in another network.
   */
  public String sha256() {
    return SealedJson.checksum(
        new Architecture("any", classes, input, batchNormEpsilon, layers).toJson());
  }

  /**
   * {@return the JSON Schema of {@code sextant-architecture/1}, with every layer that can be named
   * here: those of {@link dev.sextant.runtime.layer.LayerProvider}s too}
   */
  public static String schema() {
    return LayerSchema.complete(ArchitectureJson.shippedSchema(), false);
  }

  /**
   * {@return the same layers for other images and another number of classes}
   *
   * @param input the images
   * @param classes number of logits
   * @throws SextantException if the layers do not fit the image, or the classes change and the last
   *     layer is not {@link Linear}
   */
  public Architecture withInput(Input input, int classes) {
    if (classes == this.classes) {
      return new Architecture(name, classes, input, batchNormEpsilon, layers);
    }
    if (detects()) {
      return new Architecture(
          name, classes, input, batchNormEpsilon, Detect.withClasses(layers, classes));
    }
    if (!(layers.getLast() instanceof Linear)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: the number of classes can change only where the last layer is linear (it is %s)",
              name,
              layers.getLast().label()));
    }
    List<Layer> changed = new ArrayList<>(layers);
    changed.set(changed.size() - 1, new Linear(classes));
    return new Architecture(name, classes, input, batchNormEpsilon, changed);
  }
}
