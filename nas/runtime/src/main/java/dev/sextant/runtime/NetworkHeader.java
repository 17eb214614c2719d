package dev.sextant.runtime;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What architectures and spaces have in common: everything but the layers.
 *
 * @param name what reports call it
 * @param classes width of the logits
 * @param input the image
 * @param batchNormEpsilon of every batch norm
 */
@SuppressWarnings("exports") // dev.sextant.search shares the JSON reader
public record NetworkHeader(String name, int classes, Input input, double batchNormEpsilon) {
  private static final List<String> FIELDS = List.of("format", "name", "classes", "input");

  private static final List<String> LAYERS = List.of("batch-norm-epsilon", "layers");

  /**
   * Reads and checks everything but the layers.
   *
   * @param fields of the outermost object
   * @param format what {@code "format"} must say
   * @return the header
   */
  public static NetworkHeader read(JsonFields fields, String format) {
    return read(fields, format, LAYERS);
  }

  /**
   * The same where other fields than layers follow.
   *
   * @param fields of the outermost object
   * @param format what {@code "format"} must say
   * @param body names of the other fields that may follow
   * @return the header
   */
  public static NetworkHeader read(JsonFields fields, String format, List<String> body) {
    fields.word("format", List.of(format), null);
    fields.only(Stream.concat(FIELDS.stream(), body.stream()).toList());
    String name = fields.string("name");
    if (!Architecture.isName(name)) {
      throw fields.error(
          "name",
          String.format(
              Locale.ROOT,
              "must have 1 to %d characters, none of them control characters",
              Architecture.MAX_NAME));
    }
    int classes = fields.integer("classes", 1, Layer.MAX_WIDTH);
    JsonFields input = fields.object("input");
    input.only(List.of("height", "width", "channels"));
    Input image =
        new Input(
            input.integer("height", 1, Architecture.MAX_IMAGE),
            input.integer("width", 1, Architecture.MAX_IMAGE),
            input.integer("channels", 1, Layer.MAX_WIDTH));
    try {
      image.shape(1);
    } catch (SextantException e) {
      throw fields.error("input", String.valueOf(e.getMessage()));
    }
    double epsilon =
        fields.number(
            "batch-norm-epsilon",
            Architecture.MIN_BATCH_NORM_EPSILON,
            1,
            Architecture.DEFAULT_BATCH_NORM_EPSILON);
    return new NetworkHeader(name, classes, image, epsilon);
  }

  /**
   * Checks what the layers come to: their number after repeat, and what they give.
   *
   * @param fields of the outermost object
   * @param layers after repeat
   * @param branches that passed all of them
   * @param output of the last layer
   */
  public void checkEnd(JsonFields fields, List<Layer> layers, Branches branches, Shape output) {
    checkCount(fields, layers.size());
    try {
      checkEnd(classes, layers, branches, output);
    } catch (SextantException e) {
      throw fields.error("layers", String.valueOf(e.getMessage()));
    }
  }

  /** Checks that layers give logits, or predictions, of the classes. */
  static void checkEnd(int classes, List<Layer> layers, Branches branches, Shape output) {
    branches.end(output);
    if (!branches.detects() && !output.equals(Shape.of(1, classes))) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "the last layer gives %s, %d classes need [1,%d]",
              output,
              classes,
              classes));
    }
    for (Layer layer : layers) {
      if (layer instanceof Detect detect && detect.classes() != classes) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "detect: is for %d classes, the network has %d",
                detect.classes(),
                classes));
      }
      if (branches.detects() && layer instanceof Cell cell && cell.older() != null) {
        throw new SextantException("cell: one of two inputs cannot stand beside detect");
      }
    }
  }

  /**
   * Checks the number of layers so far.
   *
   * @param fields of the outermost object
   * @param layers their number so far
   */
  public static void checkCount(JsonFields fields, int layers) {
    if (layers > Architecture.MAX_LAYERS) {
      throw fields.error(
          "layers",
          String.format(Locale.ROOT, "more than %d layers after repeat", Architecture.MAX_LAYERS));
    }
  }

  /**
   * {@return the text of a network with these layers}
   *
   * @param format what {@code "format"} must say
   * @param layers the layers' objects
   */
  public String write(String format, JsonArray layers) {
    JsonObject root = head(format);
    root.addProperty("batch-norm-epsilon", batchNormEpsilon);
    root.add("layers", layers);
    return JsonText.print(root);
  }

  /**
   * {@return the fields that come first: all but the epsilon and the layers}
   *
   * @param format what {@code "format"} must say
   */
  public JsonObject head(String format) {
    JsonObject root = new JsonObject();
    root.addProperty("format", format);
    root.addProperty("name", name);
    root.addProperty("classes", classes);
    JsonObject image = new JsonObject();
    image.addProperty("height", input.height());
    image.addProperty("width", input.width());
    image.addProperty("channels", input.channels());
    root.add("input", image);
    return root;
  }
}
