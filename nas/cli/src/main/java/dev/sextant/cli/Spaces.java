package dev.sextant.cli;

import dev.sextant.nas.space.Space;
import java.nio.file.Files;
import java.nio.file.Path;

/** Spaces as the command line names them. */
final class Spaces {
  private Spaces() {}

  /** A built-in space by name, or one in a JSON file. */
  static Space open(String nameOrFile) {
    return Space.names().contains(nameOrFile) || !Files.exists(Path.of(nameOrFile))
        ? Space.named(nameOrFile)
        : Space.read(Path.of(nameOrFile));
  }
}
