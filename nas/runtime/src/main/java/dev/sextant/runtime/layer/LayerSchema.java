package dev.sextant.runtime.layer;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonText;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * The parts of the JSON Schemas of architectures and spaces that say what layers are, made from the
 * layers' fields: the definitions {@code layer} and {@code candidate} and what they refer to.
 */
public final class LayerSchema {
  private LayerSchema() {}

  /**
   * A schema with the definitions of all layers, those of providers too.
   *
   * @param schema a text that has all else; definitions of layers that it has are replaced
   * @param space whether widths can be searched and candidates can stand
   * @return the text with the definitions
   */
  public static String complete(String schema, boolean space) {
    return complete(schema, space, LayerTypes.all().values());
  }

  /**
   * {@return the same with the layers of this library alone: what is shipped}
   *
   * @param schema a text that has all else
   * @param space whether widths can be searched
   */
  public static String completeBuiltIn(String schema, boolean space) {
    return complete(schema, space, LayerTypes.BUILT_IN);
  }

  private static String complete(String schema, boolean space, Collection<LayerType<?>> types) {
    JsonObject root = JsonText.parse(schema, "schema");
    JsonObject definitions = root.getAsJsonObject("$defs");
    for (String name : List.copyOf(definitions.keySet())) {
      if (name.matches("(layer|candidate)(-.*)?")) {
        definitions.remove(name);
      }
    }
    JsonArray layers = new JsonArray();
    JsonArray candidates = new JsonArray();
    for (LayerType<?> type : types) {
      if (type.whyNotInAChain() == null) {
        layers.add(define(definitions, "layer-" + type.op(), layer(type, space)));
      }
      if (space && type.whyNotACandidate() == null) {
        candidates.add(define(definitions, "candidate-" + type.op(), candidate(type)));
      }
    }
    definitions.add("layer", oneOf(layers));
    if (space) {
      definitions.add("candidate", oneOf(candidates));
    }
    return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(root) + "\n";
  }

  private static JsonObject define(JsonObject definitions, String name, JsonObject definition) {
    definitions.add(name, definition);
    return reference(name);
  }

  private static JsonObject reference(String name) {
    JsonObject reference = new JsonObject();
    reference.addProperty("$ref", "#/$defs/" + name);
    return reference;
  }

  private static JsonObject oneOf(JsonArray options) {
    JsonObject schema = new JsonObject();
    schema.add("oneOf", options);
    return schema;
  }

  private static JsonObject layer(LayerType<?> type, boolean space) {
    JsonObject properties = new JsonObject();
    List<String> required = new ArrayList<>();
    for (Field<?, ?> field : type.fields()) {
      boolean searched = space && field.name().equals(Field.OUT);
      properties.add(field.name(), searched ? reference("outs") : field.schema());
      if (field.isRequired()) {
        required.add(field.name());
      }
    }
    properties.add("repeat", reference("repeat"));
    return object(type, properties, required);
  }

  private static JsonObject candidate(LayerType<?> type) {
    JsonObject properties = new JsonObject();
    List<String> required = new ArrayList<>();
    for (Field<?, ?> field : type.fields()) {
      if (!field.isGivenByChoices()) {
        properties.add(field.name(), field.schema());
        if (field.isRequired()) {
          required.add(field.name());
        }
      }
    }
    return object(type, properties, required);
  }

  private static JsonObject object(
      LayerType<?> type, JsonObject fields, List<String> requiredFields) {
    JsonObject op = new JsonObject();
    op.addProperty("const", type.op());
    JsonObject properties = new JsonObject();
    properties.add("op", op);
    fields.entrySet().forEach(field -> properties.add(field.getKey(), field.getValue()));
    JsonArray required = new JsonArray();
    required.add("op");
    requiredFields.forEach(required::add);
    JsonObject schema = new JsonObject();
    schema.addProperty("type", "object");
    if (!type.description().isEmpty()) {
      schema.addProperty("description", type.description());
    }
    schema.addProperty("additionalProperties", false);
    schema.add("required", required);
    schema.add("properties", properties);
    return schema;
  }
}
