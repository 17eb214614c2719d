package dev.sextant.nas.measure;

import dev.sextant.tensor.VectorUnit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** What latencies and bits depend on of the machine that this process runs on. */
public final class Machine {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  private Machine() {}

  /**
   * {@return system, processor, width of vectors and number of processors, as in {@code Linux
   * amd64, AMD EPYC 9V74 80-Core Processor, vectors of 512 bits, 2 processors}}
   */
  public static String identity() {
    OptionalInt bits = VectorUnit.bits();
    return String.format(
        Locale.ROOT,
        "%s %s, %s%s, %d processors",
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        processor(),
        bits.isPresent() ? ", vectors of " + bits.getAsInt() + " bits" : ", no vectors",
        Runtime.getRuntime().availableProcessors());
  }

  private static String processor() {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown processor");
    } catch (IOException | UncheckedIOException e) {
      return "unknown processor";
    }
  }

  /** {@return the name that the machine goes by, for people} */
  public static String host() {
    try {
      return Files.readString(HOST_NAME).strip();
    } catch (IOException e) {
      return "this machine";
    }
  }
}
