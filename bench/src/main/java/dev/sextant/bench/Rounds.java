package dev.sextant.bench;

import dev.sextant.bench.paths.HotPath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Goes round the hot paths, one fork of each engine on each, so that a machine whose speed drifts
 * drifts alike for all. The engine that begins changes with the round. A fork that would end after
 * the time allowed is left out, and said to be.
 */
final class Rounds {
  /** Measures one fork. */
  interface Measurement {
    Fork run(Case hotPath, String engine);
  }

  private final Measurement measurement;
  private final List<String> engines;
  private final LongSupplier nanoTime;
  private final Consumer<String> log;
  private final Map<Case, Map<String, List<Fork>>> forks = new HashMap<>();
  private final Map<Case, Long> cost = new HashMap<>();

  /**
   * Nothing measured yet.
   *
   * @param engines {@link HotPath#SEXTANT} and the peers this machine has
   * @param nanoTime a clock
   * @param log gets a line for each fork
   */
  Rounds(
      Measurement measurement, List<String> engines, LongSupplier nanoTime, Consumer<String> log) {
    this.measurement = measurement;
    this.engines = List.copyOf(engines);
    this.nanoTime = nanoTime;
    this.log = log;
  }

  /**
   * Measures.
   *
   * @param allowed time for everything
   */
  void run(List<Case> cases, int rounds, Duration allowed) {
    long end = nanoTime.getAsLong() + allowed.toNanos();
    for (int round = 0; round < rounds; round++) {
      for (Case hotPath : cases) {
        long start = nanoTime.getAsLong();
        if (start + cost.getOrDefault(hotPath, 0L) > end) {
          continue;
        }
        List<String> own =
            engines.stream()
                .filter(e -> e.equals(HotPath.SEXTANT) || e.equals(hotPath.peer()))
                .toList();
        List<String> order = round % 2 == 0 ? own : own.reversed();
        for (String engine : order) {
          Fork fork = measurement.run(hotPath, engine);
          forks
              .computeIfAbsent(hotPath, added -> new HashMap<>())
              .computeIfAbsent(engine, added -> new ArrayList<>())
              .add(fork);
          log.accept(
              String.format(
                  Locale.ROOT,
                  "fork %d of %d: %s, %s: %s ms",
                  round + 1,
                  rounds,
                  hotPath.name(),
                  engine,
                  Table.millis(fork.millis())));
        }
        cost.put(hotPath, nanoTime.getAsLong() - start);
      }
    }
  }

  /** A row for each of these that was measured, in their order. */
  List<Row> rows(List<Case> cases) {
    List<Row> rows = new ArrayList<>();
    for (Case hotPath : cases) {
      Measured ours = measured(hotPath, HotPath.SEXTANT);
      if (ours != null) {
        rows.add(new Row(hotPath.name(), ours, measured(hotPath, hotPath.peer())));
      }
    }
    return rows;
  }

  private @Nullable Measured measured(Case hotPath, String engine) {
    List<Fork> found = forks.getOrDefault(hotPath, Map.of()).get(engine);
    return found == null ? null : new Measured(found);
  }
}
