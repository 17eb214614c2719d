package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.bench.paths.Gemm;
import dev.sextant.bench.paths.HotPath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundsTest {
  private static final Case FIRST = new Case("first", Gemm.class, "1", Effort.KERNEL);
  private static final Case SECOND = new Case("second", Gemm.class, "2", Effort.KERNEL);
  private static final List<String> BOTH = List.of(HotPath.SEXTANT, HotPath.LIBTORCH);

  private long now;
  private final List<String> order = new ArrayList<>();

  /** Every fork takes a second; ours measures 1 ms, the peer 3. */
  private Rounds rounds(List<String> engines) {
    return new Rounds(
        (hotPath, engine) -> {
          now += Duration.ofSeconds(1).toNanos();
          order.add(hotPath.name() + " " + engine);
          return new Fork(engine.equals(HotPath.SEXTANT) ? 1 : 3, 0, 0);
        },
        engines,
        () -> now,
        line -> {});
  }

  @Test
  void enginesTakeTurnsInBeginning() {
    rounds(BOTH).run(List.of(FIRST, SECOND), 2, Duration.ofHours(1));
    assertEquals(
        List.of(
            "first sextant",
            "first libtorch",
            "second sextant",
            "second libtorch",
            "first libtorch",
            "first sextant",
            "second libtorch",
            "second sextant"),
        order);
  }

  @Test
  void pairsTheEnginesOfEachHotPath() {
    Rounds rounds = rounds(BOTH);
    rounds.run(List.of(FIRST, SECOND), 3, Duration.ofHours(1));
    List<Row> rows = rounds.rows(List.of(SECOND, FIRST));
    assertEquals(List.of("second", "first"), rows.stream().map(Row::name).toList());
    for (Row row : rows) {
      assertEquals(3, row.ratio());
      assertEquals(3, row.ours().forks().size());
    }
  }

  @Test
  void goesWithoutAPeerWhereThereIsNone() {
    Rounds rounds = rounds(List.of(HotPath.SEXTANT));
    rounds.run(List.of(FIRST), 1, Duration.ofHours(1));
    Row row = rounds.rows(List.of(FIRST)).getFirst();
    assertEquals(null, row.peer());
    assertTrue(Table.of(List.of(row)).contains("first"));
  }

  @Test
  void leavesOutForksThatWouldEndTooLate() {
    Rounds rounds = rounds(BOTH);
    // Two hot paths take 4 s a round: after one round and a half there is not time for another.
    rounds.run(List.of(FIRST, SECOND), 3, Duration.ofSeconds(7));
    List<Row> rows = rounds.rows(List.of(FIRST, SECOND));
    assertEquals(2, rows.get(0).ours().forks().size());
    assertEquals(1, rows.get(1).ours().forks().size());
  }
}
