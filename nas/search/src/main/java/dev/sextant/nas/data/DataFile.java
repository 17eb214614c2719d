package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * A binary file, plain or gzipped, read once from its beginning and never past what its header
 * promised; every message begins with its path. Not thread-safe.
 */
final class DataFile implements AutoCloseable {
  /** Deflate cannot shrink more than this: a gzip smaller than promise / 1032 is cut or a lie. */
  private static final long LARGEST_DEFLATE_RATIO = 1032;

  private final Path path;
  private final boolean zipped;
  private final long fileBytes;
  private final InputStream in;
  private long position;

  /** Opens a file; it is gzipped if its name ends in {@code .gz}. */
  DataFile(Path path) {
    this.path = path;
    this.zipped = path.toString().endsWith(".gz");
    try {
      this.fileBytes = Files.size(path);
      InputStream raw = Files.newInputStream(path);
      try {
        this.in =
            zipped
                ? new GZIPInputStream(new BufferedInputStream(raw, 1 << 16), 1 << 16)
                : new BufferedInputStream(raw, 1 << 16);
      } catch (IOException e) {
        raw.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** What a failed read means for the user; the path is named once. */
  static SextantException unreadable(Path path, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException missing -> "it does not exist";
          case AccessDeniedException denied -> "permission denied";
          case NotDirectoryException file -> "it is not a folder";
          case ZipException damaged -> "damaged gzip: " + damaged.getMessage();
          case EOFException cut -> "gzip is cut";
          default -> String.valueOf(e.getMessage());
        };
    return new SextantException(path + ": cannot be read (" + reason + ")", e);
  }

  /** An error about this file. */
  SextantException wrong(String what) {
    return new SextantException(path + ": " + what);
  }

  /**
   * Bytes that a file without a header holds: its size, or what the gzip trailer says (modulo
   * 2<sup>32</sup>, RFC 1952); reading then proves it.
   */
  long promisedByFile() {
    if (!zipped) {
      return fileBytes;
    }
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      file.seek(fileBytes - 4);
      return Integer.toUnsignedLong(Integer.reverseBytes(file.readInt()));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Refuses, before anything of that size is allocated, a file that cannot hold so many bytes. */
  void promise(long bytes) {
    if (!zipped && fileBytes != bytes) {
      throw wrong(
          fileBytes < bytes
              ? "is truncated: its header promises %d bytes, it has %d".formatted(bytes, fileBytes)
              : "is too long: its header promises %d bytes, it has %d".formatted(bytes, fileBytes));
    }
    if (zipped && bytes / LARGEST_DEFLATE_RATIO > fileBytes) {
      throw wrong(
          "is truncated: its header promises %d bytes, %d bytes of gzip cannot hold them"
              .formatted(bytes, fileBytes));
    }
  }

  /** The next four bytes, most significant first. */
  int readInt() {
    byte[] bytes = new byte[4];
    read(bytes, 0, 4);
    return (bytes[0] & 0xFF) << 24
        | (bytes[1] & 0xFF) << 16
        | (bytes[2] & 0xFF) << 8
        | bytes[3] & 0xFF;
  }

  /** Fills that part of an array. */
  void read(byte[] target, int offset, int length) {
    try {
      int got = in.readNBytes(target, offset, length);
      position += got;
      if (got < length) {
        throw wrong("is truncated: it ends after %d bytes".formatted(position));
      }
    } catch (EOFException e) {
      throw wrong("is truncated: the gzip stream is cut after about %d bytes".formatted(position));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Demands that nothing follows; for a gzip this also checks its CRC. */
  void end() {
    try {
      if (in.read() >= 0) {
        throw wrong("is too long: it goes on after the promised %d bytes".formatted(position));
      }
    } catch (EOFException e) {
      throw wrong("is truncated: the gzip stream is cut after %d bytes".formatted(position));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }
}
