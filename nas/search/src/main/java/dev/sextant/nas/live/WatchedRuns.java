package dev.sextant.nas.live;

import dev.sextant.nas.run.Folders;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The runs that a page is about: one, or those in the folders of a directory.
 *
 * @param path of the run, or of the directory
 */
record WatchedRuns(Path path) {
  /** Whether there may be several. */
  boolean isTable() {
    return !Files.isRegularFile(new RunDirectory(path).run());
  }

  /** The runs of searches in the directory, by the names of their folders. */
  List<RunDirectory> all() {
    return Folders.in(path).stream()
        .map(RunDirectory::new)
        .filter(run -> Files.isRegularFile(run.run()))
        .toList();
  }

  /**
   * A run by the name of its folder, which is one of those there are: whatever else a name holds
   * leads nowhere.
   */
  RunDirectory run(String name) {
    if (!isTable()) {
      return new RunDirectory(path);
    }
    return all().stream()
        .filter(run -> name(run).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new SextantException(
                    String.format(Locale.ROOT, "%s: no run is called '%s'", path, name)));
  }

  static String name(RunDirectory run) {
    return String.valueOf(run.path().getFileName());
  }
}
