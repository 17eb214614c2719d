package dev.sextant.nas.space;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Branches;
import dev.sextant.runtime.NetworkHeader;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.Repeats;
import dev.sextant.runtime.json.Resources;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The format {@code sextant-space/1}; the JSON Schema beside this class says the same. */
final class SpaceJson {
  static final String FORMAT = "sextant-space/1";

  private SpaceJson() {}

  /** What the schema beside this class says, of the layers of this library. */
  static String shippedSchema() {
    String file = "sextant-space-1.schema.json";
    return Resources.text(SpaceJson.class.getResourceAsStream(file), file);
  }

  static Space read(String json, String source) {
    JsonFields fields = JsonFields.parse(json, source);
    NetworkHeader header = NetworkHeader.read(fields, FORMAT);
    List<Position> positions = new ArrayList<>();
    Widths widths = new Widths();
    Shape before = null;
    Shape shape = header.input().shape(1);
    Branches branches = new Branches();
    for (JsonFields entry : fields.objects("layers", Architecture.MAX_LAYERS)) {
      List<Integer> options = options(entry);
      List<Position> read =
          entry.has("choice")
              ? choices(entry, shape, options)
              : fixed(
                  options == null ? entry : entry.with("out", options.getLast()),
                  before,
                  shape,
                  options);
      widths.entry(read, options, entry.has("out"));
      for (Position position : read) {
        positions.add(position);
        before = shape;
        shape = branches.output(entry, position.layers().getFirst(), shape);
      }
      NetworkHeader.checkCount(fields, positions.size());
    }
    header.checkEnd(
        fields, positions.stream().map(at -> at.layers().getFirst()).toList(), branches, shape);
    try {
      return new Space(
          header.name(),
          header.classes(),
          header.input(),
          header.batchNormEpsilon(),
          positions,
          widths.end());
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  /** The widths that {@code "out"} offers, or null where it is one width or not there. */
  private static @Nullable List<Integer> options(JsonFields entry) {
    if (!entry.isArray("out")) {
      return null;
    }
    List<Integer> options = entry.integers("out", 1, Layer.MAX_WIDTH, WidthChoice.MAX_OPTIONS);
    try {
      new WidthChoice(0, 0, options);
    } catch (SextantException e) {
      throw entry.error("out", String.valueOf(e.getMessage()));
    }
    return options;
  }

  /** Collects which positions share a width: those of an entry, and what keeps or inherits it. */
  private static final class Widths {
    private final List<WidthChoice> found = new ArrayList<>();
    private @Nullable List<Integer> options;
    private int first;
    private int next;

    void entry(List<Position> positions, @Nullable List<Integer> searched, boolean hasOut) {
      boolean own = hasOut || !positions.stream().allMatch(position -> inherits(position.layers()));
      if (own) {
        close();
        options = searched;
        first = next;
      }
      next += positions.size();
    }

    /** Without {@code "out"} a choice and what keeps its input's width go on with the width. */
    private static boolean inherits(List<Layer> layers) {
      return layers.size() > 1 || WidthChoice.keepsWidth(layers.getFirst());
    }

    private void close() {
      if (options != null) {
        found.add(new WidthChoice(first, next - 1, options));
      }
      options = null;
    }

    List<WidthChoice> end() {
      close();
      return found;
    }
  }

  private static List<Position> fixed(
      JsonFields entry, @Nullable Shape before, Shape input, @Nullable List<Integer> options) {
    List<Position> positions = new ArrayList<>();
    for (Layer layer : LayerJson.read(entry, before, input)) {
      boolean apart = options != null && positions.isEmpty();
      positions.add(new Position.Fixed(apart ? withoutResidual(layer) : layer));
    }
    if (options != null && positions.size() > 1) {
      throw entry.error("repeat", "a layer of searched width stands once");
    }
    return positions;
  }

  /** A searched width is another than the input's, whatever it comes to. */
  private static Layer withoutResidual(Layer layer) {
    return LayerJson.with(layer, Field.RESIDUAL, false);
  }

  /** The choices of one entry: one, or as many as {@code "repeat"} says. */
  private static List<Position> choices(
      JsonFields entry, Shape input, @Nullable List<Integer> options) {
    entry.only(List.of("choice", "out", "stride", "repeat"));
    int stride = LayerJson.readStride(entry);
    int out =
        options != null
            ? options.getLast()
            : entry.integer("out", 1, Layer.MAX_WIDTH, input.channels());
    int repeat = LayerJson.readRepeat(entry);
    List<JsonFields> candidates = entry.objects("choice", Position.MAX_CANDIDATES);
    List<Position> choices = new ArrayList<>(repeat);
    Shape shape = input;
    for (int i = 0; i < repeat; i++) {
      int step = i == 0 ? stride : 1;
      boolean apart = i == 0 && options != null;
      boolean dropsSkip = i == 0 && repeat > 1;
      choices.add(choice(entry, candidates, shape, step, out, dropsSkip, apart));
      shape = output(entry, shape, step, out);
    }
    return choices;
  }

  private static Position.Choice choice(
      JsonFields entry,
      List<JsonFields> candidates,
      Shape input,
      int stride,
      int out,
      boolean dropsSkip,
      boolean apart) {
    Shape needed = output(entry, input, stride, out);
    List<Layer> layers = new ArrayList<>(candidates.size());
    for (JsonFields candidate : candidates) {
      Layer layer = LayerJson.readCandidate(candidate, input, stride, out);
      boolean fits = stride == 1 && input.channels() == out && !apart;
      if (layer instanceof Skip && !fits) {
        if (dropsSkip) {
          continue;
        }
        throw candidate.error(
            String.format(
                Locale.ROOT,
                "skip needs stride 1 and equal widths (stride %d, %d to %d channels)",
                stride,
                input.channels(),
                out));
      }
      Shape given = LayerJson.output(candidate, layer, input);
      if (!given.equals(needed)) {
        throw candidate.error(
            String.format(Locale.ROOT, "gives %s, the choice needs %s", given, needed));
      }
      layers.add(apart ? withoutResidual(layer) : layer);
    }
    if (layers.isEmpty()) {
      throw entry.error("choice", "has only skip where the shape changes");
    }
    try {
      return new Position.Choice(layers);
    } catch (SextantException e) {
      throw entry.error(String.valueOf(e.getMessage()));
    }
  }

  /** The shape that every candidate of a choice must give. */
  private static Shape output(JsonFields entry, Shape input, int stride, int out) {
    try {
      return input.rank() == 4
          ? Window.same(1, stride).output(input, out)
          : input.withChannels(out);
    } catch (SextantException e) {
      throw entry.error(String.valueOf(e.getMessage()));
    }
  }

  static String write(Space space) {
    Shape[] inputs = space.inputShapes();
    List<JsonObject> entries = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      JsonObject json =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> LayerJson.write(fixed.layer(), inputs[i]);
            case Position.Choice choice -> write(choice, inputs[i]);
          };
      int width = space.widthDecision(i);
      if (width >= 0) {
        json.remove("out");
        if (space.widthDecision(i - 1) != width) {
          JsonArray options = new JsonArray();
          space.widths(i).forEach(options::add);
          json.add("out", options);
        }
      }
      entries.add(json);
    }
    return new NetworkHeader(space.name(), space.classes(), space.input(), space.batchNormEpsilon())
        .write(FORMAT, Repeats.fold(entries, LayerJson.MAX_REPEAT));
  }

  private static JsonObject write(Position.Choice choice, Shape input) {
    JsonArray candidates = new JsonArray();
    for (Layer candidate : choice.candidates()) {
      candidates.add(LayerJson.writeCandidate(candidate, input));
    }
    JsonObject json = new JsonObject();
    json.add("choice", candidates);
    Layer first = choice.candidates().getFirst();
    json.addProperty("out", first.output(input).channels());
    if (first.stride() > 1) {
      json.addProperty("stride", first.stride());
    }
    return json;
  }
}
