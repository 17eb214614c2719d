package dev.sextant.nas.space;

import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.sextant.runtime.json.Resources;

/** The shipped JSON Schema, applied by an independent validator. */
final class Schema {
  private static final JsonSchema SCHEMA =
      JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
          .getSchema(SpaceJson.shippedSchema());

  private Schema() {}

  /** A text shipped beside {@link Space}. */
  static String resource(String file) {
    return Resources.text(Space.class.getResourceAsStream(file), file);
  }

  /** What the schema finds wrong; empty if nothing. */
  static String errors(String json) {
    var errors = SCHEMA.validate(json, InputFormat.JSON);
    return errors.isEmpty() ? "" : errors.toString();
  }
}
