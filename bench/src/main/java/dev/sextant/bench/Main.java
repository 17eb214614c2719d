package dev.sextant.bench;

import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.onnx.OnnxSession;
import dev.sextant.bench.paths.HotPath;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@code mvn -Pbench}: measures, prints one table, writes JSON and SVG, compares. */
public final class Main {
  /** Of ten minutes, what the build before and the last fork after leave. */
  private static final Duration ALLOWED = Duration.ofSeconds(500);

  private final Settings settings;
  private final List<String> engines = new ArrayList<>(List.of(HotPath.SEXTANT));

  private Main(Settings settings) {
    this.settings = settings;
    Libtorch.missing().ifPresentOrElse(System.err::println, () -> engines.add(HotPath.LIBTORCH));
    OnnxSession.missing()
        .ifPresentOrElse(System.err::println, () -> engines.add(HotPath.ONNX_RUNTIME));
  }

  /**
   * Status 0; 1 where a hot path got slower than the baseline; 2 for bad input.
   *
   * @param args none
   * @throws IOException if a result cannot be read or written
   */
  public static void main(String[] args) throws IOException {
    try {
      Main main = new Main(Settings.of(System.getProperties()));
      boolean fine =
          switch (main.settings.mode()) {
            case DEFAULT -> main.table(Cases.brief(), 3, ALLOWED);
            case FULL -> main.table(Cases.all(), 5, Duration.ofDays(1));
            case SCALING -> main.scaling();
          };
      if (!fine) {
        System.exit(1);
      }
    } catch (SextantException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(2);
    }
  }

  private boolean table(List<Case> listed, int forks, Duration allowed) throws IOException {
    String machine = Machine.type();
    // Read first: a run of minutes must not end in "no such file".
    Results baseline = settings.compare() ? Results.read(settings.baseline(machine)) : null;
    List<Case> chosen = listed;
    if (!settings.only().pattern().isEmpty()) {
      // Asked for by name, a hot path of the long list will do as well.
      chosen = Cases.all().stream().filter(this::isChosen).toList();
    }
    if (chosen.isEmpty()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "no hot path matches %s; there are%n  %s",
              settings.only(),
              names(Cases.all(), "\n  ")));
    }
    ForkRunner runner = new ForkRunner(settings.layout(), settings.jvmOptions());
    Rounds rounds =
        new Rounds(
            (hotPath, engine) -> runner.run(hotPath, engine, settings.threads()),
            engines,
            System::nanoTime,
            System.err::println);
    rounds.run(chosen, forks, allowed);
    Results results = new Results(machine, settings.threads(), rounds.rows(chosen));
    report(results, listed, forks);
    if (settings.record() && results.rows().stream().anyMatch(Main::isDisturbed)) {
      throw new SextantException("not recorded: other processes were busy; let the machine rest");
    }
    if (settings.record()) {
      results.write(settings.baseline(machine));
      System.out.println("recorded as " + settings.baseline(machine));
    }
    if (baseline == null) {
      return true;
    }
    BaselineComparison comparison = BaselineComparison.of(baseline, results);
    System.out.println();
    System.out.print(comparison.report());
    return comparison.slower().isEmpty();
  }

  private boolean isChosen(Case hotPath) {
    return settings.only().matcher(hotPath.name()).find();
  }

  private void report(Results results, List<Case> listed, int forks) throws IOException {
    String title =
        String.format(
            Locale.ROOT,
            "%s, %d threads, libtorch images %s",
            results.machine(),
            results.threads(),
            settings.layout());
    System.out.println();
    System.out.println(title);
    System.out.println(
        "ratio: the peer's time over ours (libtorch, and ONNX Runtime for inference); worst: the"
            + " slowest fork over the median of forks");
    System.out.print(Table.of(results.rows()));
    disturbed(results);
    leftOut(results, listed, forks);
    Path target = settings.folder().resolve("target");
    results.write(target.resolve("bench.json"));
    write(target.resolve("bench.svg"), RatioChart.of(title, results.rows()));
  }

  private static void disturbed(Results results) {
    String names =
        results.rows().stream()
            .filter(Main::isDisturbed)
            .map(Row::name)
            .collect(Collectors.joining("; "));
    if (!names.isEmpty()) {
      System.out.println("not to be trusted, for other processes were busy: " + names);
    }
  }

  private static boolean isDisturbed(Row row) {
    Measured peer = row.peer();
    return row.ours().isDisturbed() || (peer != null && peer.isDisturbed());
  }

  private void leftOut(Results results, List<Case> listed, int forks) {
    for (Row row : results.rows()) {
      int run = row.ours().forks().size();
      if (run < forks) {
        System.out.printf(
            Locale.ROOT, "for want of time only %d of %d forks: %s%n", run, forks, row.name());
      }
    }
    if (settings.only().pattern().isEmpty()) {
      List<Case> rest = new ArrayList<>(Cases.all());
      rest.removeAll(listed);
      if (!rest.isEmpty()) {
        System.out.printf(
            Locale.ROOT, "%d more with -Dbench=full: %s%n", rest.size(), names(rest, "; "));
      }
      List<String> measured = results.rows().stream().map(Row::name).toList();
      listed.stream()
          .filter(hotPath -> !measured.contains(hotPath.name()))
          .forEach(hotPath -> System.out.println("no time for " + hotPath.name()));
    }
  }

  private static String names(List<Case> cases, String separator) {
    return cases.stream().map(Case::name).collect(Collectors.joining(separator));
  }

  private boolean scaling() throws IOException {
    ForkRunner runner = new ForkRunner(settings.layout(), settings.jvmOptions());
    List<Scaling.Curve> curves = new ArrayList<>();
    for (Scaling.Sweep sweep : Scaling.sweeps(settings.threads())) {
      List<Double> ours = new ArrayList<>();
      List<Double> peer = new ArrayList<>();
      for (int i = 0; i < sweep.cases().size(); i++) {
        for (String engine : List.of(HotPath.SEXTANT, HotPath.LIBTORCH)) {
          if (!engines.contains(engine)) {
            continue;
          }
          Case hotPath = sweep.cases().get(i);
          Fork fork = runner.run(hotPath, engine, sweep.threads().get(i));
          (engine.equals(HotPath.SEXTANT) ? ours : peer).add(fork.millis());
          System.err.printf(
              Locale.ROOT,
              "%s, %d threads, %s: %s ms%n",
              hotPath.name(),
              sweep.threads().get(i),
              engine,
              Table.millis(fork.millis()));
        }
      }
      curves.add(new Scaling.Curve(sweep, ours, peer));
    }
    System.out.println(Machine.type());
    System.out.print(Scaling.table(curves));
    write(settings.folder().resolve("target").resolve("scaling.svg"), Scaling.chart(curves));
    return true;
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    AtomicFile.write(file, text);
    System.out.println("wrote " + file);
  }
}
