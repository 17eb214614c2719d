package dev.sextant.runtime;

import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;

/** The shipped JSON Schema, applied by an independent validator. */
final class Schema {
  private static final JsonSchema SCHEMA =
      JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
          .getSchema(ArchitectureJson.shippedSchema());

  private Schema() {}

  /** What the schema finds wrong; empty if nothing. */
  static String errors(String json) {
    var errors = SCHEMA.validate(json, InputFormat.JSON);
    return errors.isEmpty() ? "" : errors.toString();
  }
}
