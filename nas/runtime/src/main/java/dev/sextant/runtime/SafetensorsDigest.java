package dev.sextant.runtime;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What the checksum of a safetensors file is taken of, but for the data. */
final class SafetensorsDigest {
  private SafetensorsDigest() {}

  /** A digest of all but the data. */
  static MessageDigest digest(List<Safetensors.Slot> slots, Map<String, String> metadata) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    new TreeMap<>(metadata)
        .forEach(
            (key, value) -> {
              if (!key.equals(Weights.CHECKSUM)) {
                update(digest, key);
                update(digest, value);
              }
            });
    List<Safetensors.Slot> sorted = new ArrayList<>(slots);
    sorted.sort(Comparator.comparing(Safetensors.Slot::name));
    for (Safetensors.Slot slot : sorted) {
      update(digest, slot.name());
      update(
          digest,
          String.format(Locale.ROOT, "F32 %s %d %d", slot.shape(), slot.begin(), slot.end()));
    }
    return digest;
  }

  /** A string behind its length, so that no two lists of strings give the same bytes. */
  private static void update(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
  }
}
