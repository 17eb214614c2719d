package dev.sextant.nas.data.file;

import dev.sextant.tensor.SextantException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * A binary file, plain or gzipped, read once from its beginning and never past what its header
 * promised; every message begins with its path. Not thread-safe.
 */
public final class DataFile implements AutoCloseable {
  /** What stands for a file that git-lfs keeps elsewhere. */
  public static final String POINTER =
      "is a git-lfs pointer and not the file itself (`git lfs pull` fetches it)";

  private static final String POINTER_START = "version https://git-lfs.github.com/spec/";

  /**
   * A gzip may promise that many bytes for each of its own, beyond {@link #FREE_BYTES}: pixels of
   * real images shrink to a tenth, those of drawings to a hundredth. A bomb reaches 1,032.
   */
  private static final long LARGEST_RATIO = 100;

  /** So many bytes may come of any gzip: labels in order shrink to almost nothing. */
  private static final long FREE_BYTES = 1 << 24;

  private final Path path;
  private final boolean zipped;
  private final long fileBytes;
  private final InputStream in;
  private long position;

  /**
   * Opens a file; it is gzipped if its name ends in {@code .gz}.
   *
   * @param path of the file
   * @throws SextantException if it cannot be read, or is a git-lfs pointer
   */
  public DataFile(Path path) {
    this.path = path;
    this.zipped = path.toString().endsWith(".gz");
    try {
      this.fileBytes = Files.size(path);
      BufferedInputStream raw = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
      try {
        raw.mark(POINTER_START.length());
        if (isPointer(raw.readNBytes(4), raw)) {
          throw wrong(POINTER);
        }
        raw.reset();
        this.in = zipped ? new GZIPInputStream(raw, 1 << 16) : raw;
      } catch (IOException | SextantException e) {
        raw.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /**
   * {@return whether a file is a git-lfs pointer (git-lfs specification, version 1), by its first
   * four bytes and those that follow, of which none is taken if the four are others}
   *
   * @param magic the first four bytes
   * @param rest what follows them
   * @throws IOException if what follows cannot be read
   */
  public static boolean isPointer(byte[] magic, InputStream rest) throws IOException {
    byte[] start = POINTER_START.getBytes(StandardCharsets.US_ASCII);
    return Arrays.equals(magic, Arrays.copyOf(start, magic.length))
        && magic.length == 4
        && Arrays.equals(
            rest.readNBytes(start.length - 4), Arrays.copyOfRange(start, 4, start.length));
  }

  /**
   * {@return what a failed read means for the user; the path is named once}
   *
   * @param path of the file
   * @param e what reading threw
   */
  public static SextantException unreadable(Path path, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException missing -> "it does not exist";
          case AccessDeniedException denied -> "permission denied";
          case NotDirectoryException file -> "it is not a folder";
          case MalformedInputException binary -> "it is not UTF-8 text";
          case ZipException damaged -> "damaged gzip: " + damaged.getMessage();
          case EOFException cut -> "gzip is cut";
          default -> String.valueOf(e.getMessage());
        };
    return new SextantException(path + ": cannot be read (" + reason + ")", e);
  }

  /**
   * {@return an error about this file}
   *
   * @param what is wrong with it
   */
  public SextantException wrong(String what) {
    return new SextantException(path + ": " + what);
  }

  /**
   * {@return bytes that a file without a header holds: its size, or what the gzip trailer says
   * (modulo 2<sup>32</sup>, RFC 1952); reading then proves it}
   */
  public long promisedByFile() {
    if (!zipped) {
      return fileBytes;
    }
    // Not as a File: that goes by the name, which not every locale can write.
    try (SeekableByteChannel file = Files.newByteChannel(path)) {
      ByteBuffer trailer = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      file.position(Math.max(0, fileBytes - 4));
      while (trailer.hasRemaining()) {
        if (file.read(trailer) < 0) {
          throw new EOFException();
        }
      }
      return Integer.toUnsignedLong(trailer.getInt(0));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /**
   * Refuses, before anything of that size is allocated, a file that cannot hold so many bytes.
   *
   * @param bytes how many it must hold
   * @param beside bytes that will be allocated beside them: the labels of small images are most of
   *     it
   */
  public void promise(long bytes, long beside) {
    if (!zipped && fileBytes != bytes) {
      throw wrong(
          fileBytes < bytes
              ? String.format(
                  Locale.ROOT,
                  "is truncated: its header promises %d bytes, it has %d",
                  bytes,
                  fileBytes)
              : String.format(
                  Locale.ROOT,
                  "is too long: its header promises %d bytes, it has %d",
                  bytes,
                  fileBytes));
    }
    if (zipped && bytes > FREE_BYTES + LARGEST_RATIO * fileBytes - beside) {
      throw wrong(
          String.format(
              Locale.ROOT,
              "is truncated or no images: its header promises %d bytes, %d of gzip cannot hold"
                  + " them",
              bytes,
              fileBytes));
    }
  }

  /** {@return the next four bytes, most significant first} */
  public int readInt() {
    byte[] bytes = new byte[4];
    read(bytes, 0, 4);
    return (bytes[0] & 0xFF) << 24
        | (bytes[1] & 0xFF) << 16
        | (bytes[2] & 0xFF) << 8
        | bytes[3] & 0xFF;
  }

  /**
   * Fills that part of an array.
   *
   * @param target where the bytes go
   * @param offset where the first goes
   * @param length how many
   */
  public void read(byte[] target, int offset, int length) {
    try {
      int got = in.readNBytes(target, offset, length);
      position += got;
      if (got < length) {
        throw wrong(String.format(Locale.ROOT, "is truncated: it ends after %d bytes", position));
      }
    } catch (EOFException e) {
      throw wrong(
          String.format(
              Locale.ROOT, "is truncated: the gzip stream is cut after about %d bytes", position));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Demands that nothing follows; for a gzip this also checks its CRC. */
  public void end() {
    try {
      if (in.read() >= 0) {
        throw wrong(
            String.format(
                Locale.ROOT, "is too long: it goes on after the promised %d bytes", position));
      }
    } catch (EOFException e) {
      throw wrong(
          String.format(
              Locale.ROOT, "is truncated: the gzip stream is cut after %d bytes", position));
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
