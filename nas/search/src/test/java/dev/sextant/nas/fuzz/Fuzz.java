package dev.sextant.nas.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Gives changed files to the readers. {@code Fuzz READER SEED FROM CASES} is a seeded run; every
 * case of it is repeated by the same seed, its number as FROM, and 1.
 */
public final class Fuzz {
  private Fuzz() {}

  /** Cases by their numbers; the first defect ends it. */
  static void seeded(Target target, long seed, long from, long cases) {
    Judge judge = new Judge();
    for (byte[] good : target.good()) {
      if (target.name().endsWith("-gz")) {
        continue; // they are what is zipped
      }
      try {
        target.reader().read(good);
      } catch (Exception e) {
        throw new AssertionError(target.name() + ": a good input is refused: " + e, e);
      }
    }
    for (long number = from; number < from + cases; number++) {
      byte[] input = target.input(Choices.of(seed, number));
      try {
        judge.read(target, input);
      } catch (AssertionError e) {
        throw new AssertionError(
            String.format(
                Locale.ROOT,
                "%s: seed %d, case %d%s: %s",
                target.name(),
                seed,
                number,
                kept(target, seed, number, input),
                e.getMessage()),
            e.getCause());
      }
    }
    System.out.printf(
        Locale.ROOT,
        "fuzz %s: seed %d, %d cases, %d refused, at most %d bytes, %.1f for each byte beyond %d,"
            + " %.1f s%n",
        target.name(),
        seed,
        cases,
        judge.refused,
        judge.most,
        Math.max(0, judge.mostPerByte),
        target.free(),
        judge.nanos * 1e-9);
  }

  private static String kept(Target target, long seed, long number, byte[] input) {
    try {
      Path file =
          Files.write(
              Path.of(System.getProperty("java.io.tmpdir"))
                  .resolve(
                      String.format(
                          Locale.ROOT, "sextant-fuzz-%s-%d-%d", target.name(), seed, number)),
              input);
      return " (" + file + ")";
    } catch (IOException e) {
      return "";
    }
  }

  /** A seeded run of one reader, or of "all" of them. */
  public static void main(String[] arguments) throws IOException {
    long seed = Long.parseLong(arguments[1]);
    Path folder = Files.createTempDirectory("sextant-fuzz");
    List<String> failures = new ArrayList<>();
    try (Targets targets = new Targets(folder)) {
      for (String name : arguments[0].equals("all") ? targets.names() : List.of(arguments[0])) {
        try {
          seeded(
              targets.named(name),
              seed,
              Long.parseLong(arguments[2]),
              Long.parseLong(arguments[3]));
        } catch (AssertionError e) {
          failures.add(e.getMessage());
          System.out.println(e.getMessage());
          e.printStackTrace(System.out);
        }
      }
    }
    System.exit(failures.isEmpty() ? 0 : 1);
  }
}
