package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files that can be read to their end: no directories, pipes or devices. */
public final class PlainFile {
  private PlainFile() {}

  /**
   * Refuses what is no plain file before it is opened, as a pipe without a writer would block for
   * ever and a device may have no end. What is not there passes: opening it says so.
   *
   * @param path about to be opened
   * @param what it should hold, as in {@code "a safetensors file"}
   * @throws SextantException naming the path
   */
  public static void check(Path path, String what) {
    if (Files.isDirectory(path)) {
      throw new SextantException(path + ": cannot be read, it is a directory, not " + what);
    }
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new SextantException(path + ": cannot be read, it is a pipe or a device, not " + what);
    }
  }
}
