package dev.sextant.bench;

import dev.sextant.tensor.VectorUnit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What kind of machine this is: baselines hold for machines of one kind. */
final class Machine {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Machine() {}

  /** Processor, number of cores, vector width and Java, as in {@code amd-epyc-2c-512b-jdk25}. */
  static String type() {
    return type(
        processor(),
        Runtime.getRuntime().availableProcessors(),
        VectorUnit.bits().orElse(0),
        Runtime.version().feature());
  }

  static String type(String processor, int cores, int vectorBits, int java) {
    String slug =
        processor
            .toLowerCase(Locale.ROOT)
            .replaceAll("\\((r|tm)\\)|\\bcpu\\b|@.*", "")
            .replaceAll("[^a-z0-9]+", "-")
            .replaceAll("^-|-$", "");
    return String.format(Locale.ROOT, "%s-%dc-%db-jdk%d", slug, cores, vectorBits, java);
  }

  private static String processor() {
    if (Files.isReadable(CPU_INFO)) {
      try {
        return model(Files.readAllLines(CPU_INFO));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return System.getProperty("os.arch", "unknown");
  }

  /** The processor's name, with family and model where a virtual machine hides which it is. */
  static String model(List<String> lines) {
    return String.format(
        Locale.ROOT,
        "%s %s-%s",
        field(lines, "model name"),
        field(lines, "cpu family"),
        field(lines, "model"));
  }

  private static String field(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.matches(name + "\\s*:.*"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("");
  }
}
