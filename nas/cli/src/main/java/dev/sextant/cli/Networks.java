package dev.sextant.cli;

import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.PlainFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Spaces and architectures as the command line names them: built in, a JSON file, or the text of a
 * genotype of DARTS.
 */
final class Networks {
  private static final String SPACE_FORMAT = "\"sextant-space/";

  private Networks() {}

  /** A space or an architecture. */
  sealed interface Named {
    /** A space. */
    record OfSpace(SearchSpace space) implements Named {}

    /** An architecture. */
    record OfArchitecture(Architecture architecture) implements Named {}
  }

  /** A built-in space by name, or one in a JSON file. */
  static SearchSpace space(String nameOrFile) {
    return SearchSpace.names().contains(nameOrFile)
        ? SearchSpace.named(nameOrFile)
        : SearchSpace.read(file("space", nameOrFile, SearchSpace.names()));
  }

  /** A published architecture by name, or one in a file. */
  static Architecture architecture(String nameOrFile, GenotypeOptions cells) {
    return Architectures.names().contains(nameOrFile)
        ? cells.of(Architectures.named(nameOrFile))
        : cells.read(file("architecture", nameOrFile, Architectures.names()));
  }

  /**
   * Either of the two; a file is what its format says.
   *
   * @throws SextantException if both a space and an architecture have the name
   */
  static Named either(String nameOrFile, GenotypeOptions cells) {
    boolean space = SearchSpace.names().contains(nameOrFile);
    boolean architecture = Architectures.names().contains(nameOrFile);
    if (space && architecture) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "\"%s\": both a space and an architecture (give --space %s or --architecture %s)",
              nameOrFile,
              nameOrFile,
              nameOrFile));
    }
    if (space) {
      return new Named.OfSpace(SearchSpace.named(nameOrFile));
    }
    if (architecture) {
      return new Named.OfArchitecture(cells.of(Architectures.named(nameOrFile)));
    }
    Path file = Path.of(nameOrFile);
    if (!Files.exists(file)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "\"%s\": neither a built-in network (`sextant describe` lists them) nor a file",
              nameOrFile));
    }
    return isSpace(file)
        ? new Named.OfSpace(SearchSpace.read(file))
        : new Named.OfArchitecture(cells.read(file));
  }

  /** Whether the text names the format of spaces; what it holds is for the reader to judge. */
  private static boolean isSpace(Path file) {
    PlainFile.check(file, "a space or an architecture");
    try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
      return lines.anyMatch(line -> line.contains(SPACE_FORMAT));
    } catch (IOException | UncheckedIOException e) {
      throw new SextantException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  private static Path file(String kind, String nameOrFile, List<String> names) {
    Path file = Path.of(nameOrFile);
    if (!Files.exists(file)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "\"%s\": no built-in %s (there are %s) and no file",
              nameOrFile,
              kind,
              String.join(", ", names)));
    }
    return file;
  }
}
