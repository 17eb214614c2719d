package dev.sextant.nas.fuzz;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * The suite with coverage as its guide: Jazzer chooses the bytes that say how good inputs are
 * changed, and keeps those that reach code which no others did. {@code mvn -Pfuzz} runs it.
 *
 * <p>What Jazzer found is a file {@code crash-...} of such bytes; given as its argument in the
 * place of the runs, it is repeated.
 */
public final class GuidedFuzz {
  private static final String READER = "sextant.fuzz.reader";

  private static @org.jspecify.annotations.Nullable Target target;
  private static final Judge JUDGE = new Judge();

  private GuidedFuzz() {}

  /** Called by Jazzer once. */
  public static void fuzzerInitialize() throws IOException {
    Path folder = Files.createTempDirectory("sextant-fuzz");
    target = new Targets(folder).named(System.getProperty(READER));
  }

  /** Called by Jazzer for every input. */
  public static void fuzzerTestOneInput(byte[] choices) {
    Target reader = Objects.requireNonNull(target);
    JUDGE.read(reader, reader.input(Choices.of(choices)));
  }

  /** {@code GuidedFuzz READER|all SEED RUNS}: a process of Jazzer for each reader. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    long seed =
        arguments[1].equals("random")
            ? System.nanoTime() & Integer.MAX_VALUE
            : Long.parseLong(arguments[1]);
    List<String> readers;
    Path folder = Files.createTempDirectory("sextant-fuzz");
    if (arguments[0].equals("all")) {
      try (Targets targets = new Targets(folder)) {
        readers = targets.names();
      }
    } else {
      readers = List.of(arguments[0]);
    }
    List<String> failed = new ArrayList<>();
    for (String reader : readers) {
      System.out.printf(Locale.ROOT, "fuzz %s: seed %d, %s runs%n", reader, seed, arguments[2]);
      if (jazzer(reader, seed, arguments[2], folder) != 0) {
        failed.add(reader);
      }
    }
    System.out.println(failed.isEmpty() ? "fuzz: no defects" : "fuzz: defects of " + failed);
    System.exit(failed.isEmpty() ? 0 : 1);
  }

  private static int jazzer(String reader, long seed, String runs, Path folder)
      throws IOException, InterruptedException {
    Path corpus = Files.createDirectories(folder.resolve("corpus-" + reader));
    for (int i = 0; i < 64; i++) {
      byte[] choices = new byte[48];
      new java.util.Random(seed + i).nextBytes(choices);
      Files.write(corpus.resolve("seed-" + i), choices);
    }
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "-Xmx2g",
            "-D" + READER + "=" + reader,
            "-cp",
            String.join(File.pathSeparator, System.getProperty("java.class.path")),
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + GuidedFuzz.class.getName(),
            "--instrumentation_includes=dev.sextant.nas.**:dev.sextant.runtime.**",
            // Its hooks look for paths and classes that inputs name; here inputs name none.
            "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.**",
            "-seed=" + seed,
            "-runs=" + runs,
            "-timeout=20",
            "-rss_limit_mb=4096",
            "-print_final_stats=1",
            corpus.toString())
        .inheritIO()
        .start()
        .waitFor();
  }
}
