package dev.sextant.nas.fuzz;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.sextant.runtime.Resealed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Safetensors files whose header or data are changed; JSON inside of the metadata too. Most get the
 * checksum of what they became, so that more is read than the checksum.
 */
final class SafetensorsGrammar implements Grammar {
  static final Grammar FILE = new SafetensorsGrammar().or(HEADED, 6);

  private static final int[] FLOATS = {
    Float.floatToRawIntBits(Float.NaN),
    Float.floatToRawIntBits(Float.POSITIVE_INFINITY),
    Float.floatToRawIntBits(Float.MAX_VALUE),
    Float.floatToRawIntBits(-1),
    0
  };

  @Override
  public byte[] change(byte[] good, Choices choices) {
    ByteBuffer file = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) file.getLong(0);
    byte[] data = new byte[good.length - Long.BYTES - length];
    file.get(Long.BYTES + length, data);
    JsonObject header =
        JsonParser.parseString(new String(good, Long.BYTES, length, StandardCharsets.UTF_8))
            .getAsJsonObject();
    switch (choices.below(4)) {
      case 0 -> JsonGrammar.change(header, choices);
      case 1 -> data(data, choices);
      default -> metadata(header, choices);
    }
    byte[] json = Grammar.bytes(header.toString());
    ByteBuffer changed =
        ByteBuffer.allocate(Long.BYTES + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    changed.putLong(json.length).put(json).put(data);
    return choices.oneIn(8) ? changed.array() : Resealed.of(changed.array());
  }

  private static void data(byte[] data, Choices choices) {
    if (data.length >= Float.BYTES) {
      int at = choices.below(data.length / Float.BYTES) * Float.BYTES;
      ByteBuffer.wrap(data)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putInt(at, FLOATS[choices.below(FLOATS.length)]);
    }
  }

  private static void metadata(JsonObject header, Choices choices) {
    if (!(header.get("__metadata__") instanceof JsonObject metadata) || metadata.isEmpty()) {
      JsonGrammar.change(header, choices);
      return;
    }
    List<String> keys = List.copyOf(metadata.keySet());
    String key = keys.get(choices.below(keys.size()));
    String value = metadata.get(key).getAsString();
    try {
      JsonParser.parseString(value).getAsJsonObject();
      metadata.addProperty(key, JsonGrammar.change(value, choices));
    } catch (JsonParseException | IllegalStateException e) {
      JsonGrammar.change(metadata, choices);
    }
  }
}
