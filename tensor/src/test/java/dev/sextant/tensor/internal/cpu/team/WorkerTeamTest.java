package dev.sextant.tensor.internal.cpu.team;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsEveryShareOnceEachTime(int threads) {
    AtomicIntegerArray shares = new AtomicIntegerArray(threads);
    try (WorkerTeam team = new WorkerTeam(threads)) {
      assertEquals(threads, team.threads());
      for (int run = 1; run <= 1000; run++) {
        team.run(
            (worker, workers) -> {
              assertEquals(threads, workers);
              shares.incrementAndGet(worker);
            });
        for (int i = 0; i < threads; i++) {
          assertEquals(run, shares.get(i));
        }
      }
    }
  }

  @Test
  void wakesHelpersThatParked() throws InterruptedException {
    AtomicIntegerArray shares = new AtomicIntegerArray(2);
    try (WorkerTeam team = new WorkerTeam(2)) {
      for (int run = 1; run <= 3; run++) {
        Thread.sleep(50);
        team.run((worker, workers) -> shares.incrementAndGet(worker));
        assertEquals(run, shares.get(1));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void rethrowsWhatAShareThrewAndServesOn(int culprit) {
    AtomicIntegerArray shares = new AtomicIntegerArray(3);
    try (WorkerTeam team = new WorkerTeam(3)) {
      IllegalStateException fault = new IllegalStateException("broken share");
      IllegalStateException thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  team.run(
                      (worker, workers) -> {
                        if (worker == culprit) {
                          throw fault;
                        }
                        shares.incrementAndGet(worker);
                      }));
      assertSame(fault, thrown.getCause());
      team.run((worker, workers) -> shares.incrementAndGet(worker));
      for (int i = 0; i < 3; i++) {
        assertEquals(i == culprit ? 1 : 2, shares.get(i));
      }
    }
  }

  @Test
  void closesTwiceAndRefusesWorkAfterwards() {
    WorkerTeam team = new WorkerTeam(2);
    team.close();
    team.close();
    assertThrows(IllegalStateException.class, () -> team.run((worker, workers) -> {}));
  }
}
