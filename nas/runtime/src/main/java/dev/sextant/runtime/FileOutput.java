package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file open for writing, the only way that one is opened: what a caller hands over is written to
 * its last byte, however little the system takes at a time, or an exception says that it was not.
 *
 * <p>One thread at a time.
 */
public final class FileOutput implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  private FileOutput(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** A file that is not there yet. */
  static FileOutput create(Path path) throws IOException {
    return new FileOutput(
        path, FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  /**
   * A log that grows, created where it is not there; what stands past a length is cut off, and
   * writing goes on at the end.
   *
   * @param path of the log
   * @param length in bytes
   * @return the log, at its end
   * @throws SextantException naming the file, if it cannot be opened
   */
  public static FileOutput append(Path path, long length) {
    try {
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        if (channel.size() > length) {
          channel.truncate(length);
        }
        channel.position(channel.size());
        return new FileOutput(path, channel);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw AtomicFile.unwritable(path, e);
    }
  }

  /**
   * Writes all that remains of a buffer.
   *
   * @param bytes from its position to its limit
   * @throws IOException if the file system takes no more
   */
  public void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (channel.write(bytes) == 0) {
        throw new IOException("the file system takes no more bytes");
      }
    }
  }

  /**
   * Goes to a place; what is passed over is zero.
   *
   * @param bytes from the start
   * @throws IOException if the file system fails
   */
  public void position(long bytes) throws IOException {
    channel.position(bytes);
  }

  /**
   * {@return where the next byte goes, in bytes from the start, once all before it is on the disk}
   *
   * @throws IOException if the file system fails
   */
  public long force() throws IOException {
    channel.force(true);
    return channel.position();
  }

  /**
   * Takes the file's lock, until the file is closed or the process dies.
   *
   * @return whether it is free of other processes' locks
   * @throws IOException if the file system has no locks
   * @throws java.nio.channels.OverlappingFileLockException if this process has it already
   */
  public boolean tryLock() throws IOException {
    return channel.tryLock() != null;
  }

  Path path() {
    return path;
  }

  FileChannel channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
