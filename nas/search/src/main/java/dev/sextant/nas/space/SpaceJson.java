package dev.sextant.nas.space;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Layer;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.LayerJson;
import dev.sextant.runtime.json.NetworkHeader;
import dev.sextant.runtime.json.Repeats;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;

/** The format {@code sextant-space/1}; the JSON Schema beside this class says the same. */
final class SpaceJson {
  private static final String FORMAT = "sextant-space/1";

  private SpaceJson() {}

  static Space read(String json, String source) {
    JsonFields fields = JsonFields.parse(json, source);
    NetworkHeader header = NetworkHeader.read(fields, FORMAT);
    List<Position> positions = new ArrayList<>();
    Shape before = null;
    Shape shape = header.input().shape(1);
    for (JsonFields entry : fields.objects("layers", Architecture.MAX_LAYERS)) {
      if (entry.has("choice")) {
        for (Position.Choice choice : choices(entry, shape)) {
          positions.add(choice);
          before = shape;
          shape = choice.candidates().getFirst().output(shape);
        }
      } else {
        for (Layer layer : LayerJson.read(entry, before, shape)) {
          positions.add(new Position.Fixed(layer));
          before = shape;
          shape = layer.output(shape);
        }
      }
      NetworkHeader.checkCount(fields, positions.size());
    }
    header.checkEnd(fields, positions.size(), shape);
    return new Space(
        header.name(), header.classes(), header.input(), header.batchNormEpsilon(), positions);
  }

  /** The choices of one entry: one, or as many as {@code "repeat"} says. */
  private static List<Position.Choice> choices(JsonFields entry, Shape input) {
    entry.only(List.of("choice", "out", "stride", "repeat"));
    int stride = LayerJson.readStride(entry);
    int out = entry.integer("out", 1, Layer.MAX_WIDTH, input.channels());
    int repeat = LayerJson.readRepeat(entry);
    List<JsonFields> candidates = entry.objects("choice", Position.MAX_CANDIDATES);
    List<Position.Choice> choices = new ArrayList<>(repeat);
    Shape shape = input;
    for (int i = 0; i < repeat; i++) {
      int step = i == 0 ? stride : 1;
      boolean dropsSkip = i == 0 && repeat > 1;
      choices.add(choice(entry, candidates, shape, step, out, dropsSkip));
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
      boolean dropsSkip) {
    Shape needed = output(entry, input, stride, out);
    List<Layer> layers = new ArrayList<>(candidates.size());
    for (JsonFields candidate : candidates) {
      Layer layer = LayerJson.readCandidate(candidate, input, stride, out);
      boolean fits = stride == 1 && input.channels() == out;
      if (layer instanceof Layer.Skip && !fits) {
        if (dropsSkip && candidates.getLast() == candidate) {
          continue;
        }
        throw candidate.error(
            "skip needs stride 1 and equal widths (stride %d, %d to %d channels)"
                .formatted(stride, input.channels(), out));
      }
      Shape given = LayerJson.output(candidate, layer, input);
      if (!given.equals(needed)) {
        throw candidate.error("gives %s, the choice needs %s".formatted(given, needed));
      }
      layers.add(layer);
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
      entries.add(
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> LayerJson.write(fixed.layer(), inputs[i]);
            case Position.Choice choice -> write(choice, inputs[i]);
          });
    }
    return new NetworkHeader(space.name(), space.classes(), space.input(), space.batchNormEpsilon())
        .write(FORMAT, Repeats.fold(entries));
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
