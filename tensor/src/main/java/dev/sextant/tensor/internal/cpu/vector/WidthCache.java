package dev.sextant.tensor.internal.cpu.vector;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;
import java.util.stream.Stream;

/**
 * The file that keeps the calibrated vector width of one processor under one JVM: three lines,
 * {@code processor=}, {@code jvm=} and {@code bits=}. Written whole or not at all. Trouble with it
 * is one warning, never an error.
 */
final class WidthCache {
  private static final System.Logger LOG = System.getLogger("dev.sextant");

  private final Path file;
  private final String processor;
  private final String jvm;

  WidthCache(Path folder, String processor, String jvm) {
    this.processor = processor;
    this.jvm = jvm;
    String key = Integer.toHexString((processor + "\n" + jvm).hashCode());
    file = folder.resolve("vector-width-" + key + ".txt");
  }

  /** In the user's cache directory, for this machine. */
  static WidthCache ofUser() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path folder =
        cache == null || cache.isEmpty()
            ? Path.of(System.getProperty("user.home", ""), ".cache")
            : Path.of(cache);
    return new WidthCache(
        folder.resolve("sextant"), processor(), System.getProperty("java.vm.version", ""));
  }

  Path file() {
    return file;
  }

  /**
   * The width kept, or else the one measured, which is kept from then on.
   *
   * @return 256 or 512; 0 if it could not be kept
   */
  int get(IntSupplier measure) {
    int kept = read();
    if (kept != 0) {
      return kept;
    }
    // Whether it can be kept comes first: a width measured anew each time would not repeat.
    Path part = file.resolveSibling(file.getFileName() + "." + ProcessHandle.current().pid());
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(part, "");
      int bits = measure.getAsInt();
      String text = "processor=%s%njvm=%s%nbits=%d%n".formatted(processor, jvm, bits);
      Files.writeString(part, text);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return bits;
    } catch (IOException e) {
      warn("cannot be written (" + e + "): vectors are as wide as the machine has them");
      return 0;
    }
  }

  private int read() {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      warn("cannot be read (" + e + ")");
      return 0;
    }
    if (lines.size() == 3
        && lines.get(0).equals("processor=" + processor)
        && lines.get(1).equals("jvm=" + jvm)) {
      switch (lines.get(2)) {
        case "bits=256" -> {
          return 256;
        }
        case "bits=512" -> {
          return 512;
        }
        default -> {}
      }
    }
    warn("is damaged: it is measured and written again");
    return 0;
  }

  private void warn(String what) {
    LOG.log(System.Logger.Level.WARNING, "{0} {1}", file, what);
  }

  /** The processor's name, where the system tells; at least its architecture. */
  private static String processor() {
    String architecture = System.getProperty("os.arch", "");
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("model"))
          .map(line -> line.replaceAll("\\s+", " ").strip())
          .distinct()
          .sorted()
          .reduce(architecture, (all, line) -> all + ", " + line);
    } catch (IOException | java.io.UncheckedIOException e) {
      String identifier = System.getenv("PROCESSOR_IDENTIFIER");
      return identifier == null ? architecture : architecture + ", " + identifier;
    }
  }
}
