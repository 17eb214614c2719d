package dev.sextant.bench;

import dev.sextant.bench.libtorch.Layout;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What the user asked for, in system properties that Maven passes on.
 *
 * @param mode {@code -Dbench}
 * @param only {@code -Dbench.only}: hot paths whose names have a match
 * @param compare {@code -Dbench.compare}: against the baseline of this type of machine
 * @param record {@code -Dbench.record}: makes this run the baseline
 * @param threads {@code -Dbench.threads}: of both engines; all processors if not given
 * @param layout {@code -Dbench.layout}: of images in libtorch; the faster if not given
 * @param folder {@code bench.folder}: the module's, which holds baselines and target
 */
record Settings(
    Mode mode,
    Pattern only,
    boolean compare,
    boolean record,
    int threads,
    Layout layout,
    Path folder) {
  /** How much is measured. */
  enum Mode {
    /** A short list, three forks as far as ten minutes go. */
    DEFAULT,
    /** Everything, five forks. */
    FULL,
    /** Step time against batch, channels, layers, threads. */
    SCALING
  }

  /** Reads the properties; one that is absent or blank is at its default. */
  static Settings of(Properties properties) {
    return new Settings(
        choice(properties, "bench", Mode.DEFAULT),
        pattern(text(properties, "bench.only", "")),
        flag(properties, "bench.compare"),
        flag(properties, "bench.record"),
        threads(text(properties, "bench.threads", "")),
        choice(properties, "bench.layout", Layout.CHANNELS_LAST),
        Path.of(text(properties, "bench.folder", "bench")));
  }

  private static String text(Properties properties, String name, String otherwise) {
    String value = properties.getProperty(name, "").strip();
    return value.isEmpty() ? otherwise : value;
  }

  private static boolean flag(Properties properties, String name) {
    String value = text(properties, name, "false");
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default ->
          throw new SextantException(
              String.format(Locale.ROOT, "%s: %s is not true or false", name, value));
    };
  }

  private static <E extends Enum<E>> E choice(Properties properties, String name, E otherwise) {
    String value = text(properties, name, otherwise.name());
    for (E constant : otherwise.getDeclaringClass().getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(value.replace('-', '_'))) {
        return constant;
      }
    }
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "%s: %s is none of %s",
            name,
            value,
            Arrays.toString(otherwise.getDeclaringClass().getEnumConstants())
                .toLowerCase(Locale.ROOT)
                .replace('_', '-')));
  }

  private static Pattern pattern(String regex) {
    try {
      return Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw new SextantException("bench.only: " + e.getMessage(), e);
    }
  }

  private static int threads(String value) {
    if (value.isEmpty()) {
      return Runtime.getRuntime().availableProcessors();
    }
    if (!value.matches("[1-9]\\d{0,3}")) {
      throw new SextantException(
          String.format(Locale.ROOT, "bench.threads: %s is not a number from 1", value));
    }
    return Integer.parseInt(value);
  }

  /** The launcher's options for the JVM. */
  Path jvmOptions() {
    return folder.resolve("../nas/cli/src/dist/jvm.options").normalize();
  }

  /** Where the baseline of a type of machine is. */
  Path baseline(String machine) {
    return folder.resolve("baseline").resolve(machine + ".json");
  }
}
