package dev.sextant.runtime;

import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.Repeats;
import dev.sextant.runtime.json.Resources;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerJson;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** The format {@code sextant-architecture/1}; the JSON Schema beside this class says the same. */
final class ArchitectureJson {
  private static final String FORMAT = "sextant-architecture/1";

  private ArchitectureJson() {}

  /** What the schema beside this class says, of the layers of this library. */
  static String shippedSchema() {
    String file = "sextant-architecture-1.schema.json";
    return Resources.text(ArchitectureJson.class.getResourceAsStream(file), file);
  }

  static Architecture read(String json, String source) {
    JsonFields fields = JsonFields.parse(json, source);
    NetworkHeader header = NetworkHeader.read(fields, FORMAT);
    List<Layer> layers = new ArrayList<>();
    Shape before = null;
    Shape shape = header.input().shape(1);
    Branches branches = new Branches();
    for (JsonFields entry : fields.objects("layers", Architecture.MAX_LAYERS)) {
      for (Layer layer : LayerJson.read(entry, before, shape)) {
        layers.add(layer);
        before = shape;
        shape = branches.output(entry, layer, shape);
      }
      NetworkHeader.checkCount(fields, layers.size());
    }
    if (!branches.isClosed()) {
      throw fields.error("layers", "a fork has no sum");
    }
    header.checkEnd(fields, layers, branches, shape);
    return new Architecture(
        header.name(), header.classes(), header.input(), header.batchNormEpsilon(), layers);
  }

  static String write(Architecture architecture) {
    List<Shape> shapes = architecture.shapes();
    List<JsonObject> entries = new ArrayList<>();
    for (int i = 0; i < architecture.layers().size(); i++) {
      entries.add(LayerJson.write(architecture.layers().get(i), shapes.get(i)));
    }
    return new NetworkHeader(
            architecture.name(),
            architecture.classes(),
            architecture.input(),
            architecture.batchNormEpsilon())
        .write(FORMAT, Repeats.fold(entries, LayerJson.MAX_REPEAT));
  }
}
