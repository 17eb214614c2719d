package dev.sextant.nas.follow;

import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.FileOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * A file of TFRecords: length (8 bytes, little-endian), its masked CRC-32C, the data, its masked
 * CRC-32C.
 */
final class RecordFile implements AutoCloseable {
  private static final int HEADER = 12;
  private static final int FOOTER = 4;

  private final Path file;
  private final FileOutput out;

  /** How many records were kept. */
  private final int kept;

  /**
   * Opens a file and forgets all behind a number of records, and what is damaged.
   *
   * @param most records to keep
   * @throws dev.sextant.tensor.SextantException if it cannot be read or written
   */
  RecordFile(Path file, int most) {
    this.file = file;
    long length = 0;
    int count = 0;
    if (Files.exists(file)) {
      ByteBuffer bytes;
      try {
        bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      } catch (IOException e) {
        throw AtomicFile.unwritable(file, e);
      }
      for (int size = size(bytes); count < most && size >= 0; size = size(bytes)) {
        bytes.position(bytes.position() + HEADER + size + FOOTER);
        length = bytes.position();
        count++;
      }
    }
    kept = count;
    out = FileOutput.append(file, length);
  }

  /** The size of the record there, or -1 if there is no whole one. */
  static int size(ByteBuffer bytes) {
    if (bytes.remaining() < HEADER + FOOTER) {
      return -1;
    }
    int at = bytes.position();
    long size = bytes.getLong(at);
    if (size < 0 || size > bytes.remaining() - HEADER - FOOTER) {
      return -1;
    }
    boolean whole =
        bytes.getInt(at + Long.BYTES) == masked(bytes.slice(at, Long.BYTES))
            && bytes.getInt(at + HEADER + (int) size)
                == masked(bytes.slice(at + HEADER, (int) size));
    return whole ? (int) size : -1;
  }

  int kept() {
    return kept;
  }

  /** Appends a record. */
  void append(byte[] data) {
    ByteBuffer record =
        ByteBuffer.allocate(HEADER + data.length + FOOTER).order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(masked(record.slice(0, Long.BYTES)));
    record.put(data);
    record.putInt(masked(ByteBuffer.wrap(data)));
    try {
      out.write(record.flip());
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
  }

  /** The checksum of TFRecords: rotated, so that checksums of data with checksums differ. */
  private static int masked(ByteBuffer data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    int value = (int) crc.getValue();
    return Integer.rotateRight(value, 15) + 0xa282ead8;
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
  }
}
