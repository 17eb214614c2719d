package dev.sextant.nas.run;

import dev.sextant.runtime.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Folders and what is in them. */
public final class Folders {
  private Folders() {}

  /**
   * What lies in a folder, itself left out.
   *
   * @param folder that need not be there
   * @return the paths of files and folders directly in it, in no order
   * @throws dev.sextant.tensor.SextantException if it cannot be read
   */
  public static List<Path> in(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return new ArrayList<>(files.toList());
    } catch (UncheckedIOException e) {
      throw AtomicFile.unwritable(folder, new IOException(e.getMessage(), e));
    } catch (IOException e) {
      throw AtomicFile.unwritable(folder, e);
    }
  }

  /**
   * Deletes a file, or a folder and all in it; links are deleted, not followed.
   *
   * @param path of a file or folder
   * @throws dev.sextant.tensor.SextantException if something in it cannot be deleted
   */
  public static void delete(Path path) {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (UncheckedIOException e) {
      throw AtomicFile.unwritable(path, new IOException(e.getMessage(), e));
    } catch (IOException e) {
      throw AtomicFile.unwritable(path, e);
    }
  }
}
