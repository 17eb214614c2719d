package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Safetensors files that were changed, with the checksum of what they are now. */
public final class Resealed {
  private Resealed() {}

  /** The file with a checksum that fits, or as it is where it has none or no header to be read. */
  public static byte[] of(byte[] file) {
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (file.length < Long.BYTES || buffer.getLong(0) > file.length - Long.BYTES) {
      return file;
    }
    int length = (int) buffer.getLong(0);
    SafetensorsHeader header;
    try {
      header =
          new SafetensorsHeaderReader(Path.of("changed")).read(buffer.slice(Long.BYTES, length));
    } catch (SextantException e) {
      return file;
    }
    String old = header.metadata().get(Weights.CHECKSUM);
    String text = new String(file, Long.BYTES, length, StandardCharsets.ISO_8859_1);
    if (old == null || old.length() != 64 || !text.contains(old)) {
      return file;
    }
    MessageDigest digest = header.digest();
    digest.update(file, Long.BYTES + length, file.length - Long.BYTES - length);
    byte[] fresh = HexFormat.of().formatHex(digest.digest()).getBytes(StandardCharsets.ISO_8859_1);
    byte[] sealed = file.clone();
    System.arraycopy(fresh, 0, sealed, Long.BYTES + text.indexOf(old), fresh.length);
    return sealed;
  }
}
