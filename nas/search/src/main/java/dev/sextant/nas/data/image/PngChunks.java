package dev.sextant.nas.data.image;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * The integrity of a PNG file: every chunk whole and with the CRC it carries, up to IEND (PNG
 * specification, section 5). The JDK's reader checks neither, and decodes what is left.
 */
final class PngChunks {
  private static final int SIGNATURE_BYTES = 8;

  /** Length, type and CRC. */
  private static final int FRAME_BYTES = 12;

  private static final int IEND = 0x49454E44;

  private PngChunks() {}

  static void check(byte[] bytes) {
    ByteBuffer file = ByteBuffer.wrap(bytes);
    CRC32 crc = new CRC32();
    int at = SIGNATURE_BYTES;
    while (true) {
      if (at > bytes.length - FRAME_BYTES) {
        throw ImageException.damaged("it is cut");
      }
      int length = file.getInt(at);
      if (length < 0 || length > bytes.length - FRAME_BYTES - at) {
        throw ImageException.damaged("it is cut in the chunk at byte " + at);
      }
      crc.reset();
      crc.update(bytes, at + 4, length + 4);
      if ((int) crc.getValue() != file.getInt(at + 8 + length)) {
        throw ImageException.damaged("checksum of the chunk at byte " + at);
      }
      if (file.getInt(at + 4) == IEND) {
        return;
      }
      at += FRAME_BYTES + length;
    }
  }
}
