package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Files that are whole or absent: written beside their place, forced to the disk, then renamed.
 *
 * <p>Whatever interrupts {@link #write} (an exception, a full disk, a kill, a power cut), the path
 * holds either what it held before or all that was written; what a killed process left beside it
 * goes with the next write. Safe to call from any thread; of two writers of one path, the last to
 * finish wins.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes a file's content to an output that starts empty. */
  public interface Body {
    /**
     * Writes all of the content.
     *
     * @param out of a new file beside the path, at its start
     * @throws IOException if the file system fails
     */
    void write(FileOutput out) throws IOException;
  }

  /**
   * Replaces the file at a path by a text in UTF-8, as {@link #write(Path, Body)} does.
   *
   * @param path of the file
   * @param text all of its content
   */
  public static void write(Path path, String text) {
    write(path, out -> out.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))));
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
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new SextantException(path + ": cannot be written, it is no plain file");
    }
    String name = String.valueOf(target.getFileName());
    Temporaries.sweep(directory, name);
    try (FileOutput out = Temporaries.create(directory, name)) {
      try {
        body.write(out);
        out.force();
        Files.move(
            out.path(),
            target,
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Temporaries.delete(out.path());
      }
      forceDirectory(directory);
    } catch (IOException e) {
      throw unwritable(path, e);
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

  /**
   * {@return the error of a path that cannot be written, for the same message everywhere}
   *
   * @param path of the file
   * @param e what the file system said
   */
  public static SextantException unwritable(Path path, IOException e) {
    return new SextantException(path + ": cannot be written (" + reason(e) + ")", e);
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
