package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Files that are whole or absent: written beside their place, forced to the disk, then renamed.
 *
 * <p>Whatever interrupts {@link #write} (an exception, a kill, a power cut), the path holds either
 * what it held before or all that was written. Safe to call from any thread; of two writers of one
 * path, the last to finish wins.
 */
public final class AtomicFile {
  private static final AtomicLong COUNTER = new AtomicLong();

  private AtomicFile() {}

  /** Writes a file's content to a channel that starts empty. */
  public interface Body {
    /**
     * Writes all of the content.
     *
     * @param channel of a new file beside the path, at its start
     * @throws IOException if the file system fails
     */
    void write(FileChannel channel) throws IOException;
  }

  /**
   * Replaces the file at a path, or creates it.
   *
   * @param path of the file
   * @param body writes the content
   * @throws SextantException naming the path if the body or the file system fails; the temporary
   *     file is then gone and the path is as it was
   */
  public static void write(Path path, Body body) {
    Path target = path.toAbsolutePath();
    Path directory = target.getParent();
    if (directory == null || Files.isDirectory(target)) {
      throw new SextantException(path + ": cannot be written, it is a directory");
    }
    Path temporary =
        directory.resolve(
            // The time keeps clear of what a killed process of the same id may have left behind.
            ".%s.%d-%d-%x.tmp"
                .formatted(
                    target.getFileName(),
                    ProcessHandle.current().pid(),
                    COUNTER.incrementAndGet(),
                    System.nanoTime()));
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        body.write(channel);
        channel.force(true);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      forceDirectory(directory);
    } catch (IOException e) {
      throw unwritable(path, e);
    } finally {
      deleteQuietly(temporary);
    }
  }

  /** Makes the rename itself last; only POSIX systems can open a directory. */
  private static void forceDirectory(Path directory) throws IOException {
    if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  /** After a move there is nothing left to delete; after a failure the first error matters. */
  private static void deleteQuietly(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // The write's own outcome is what the caller needs to hear.
    }
  }

  /**
   * {@return the error of a path that cannot be written, for the same message everywhere}
   *
   * @param path of the file
   * @param e what the file system said
   */
  public static SextantException unwritable(Path path, IOException e) {
    return new SextantException("%s: cannot be written (%s)".formatted(path, reason(e)), e);
  }

  /** What an I/O error says: the JDK's file errors carry only the path as their message. */
  static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException _ -> "no such file or directory";
      case java.nio.file.AccessDeniedException _ -> "permission denied";
      case java.nio.file.FileAlreadyExistsException _ -> "a file of that name is in the way";
      default -> String.valueOf(e.getMessage());
    };
  }
}
