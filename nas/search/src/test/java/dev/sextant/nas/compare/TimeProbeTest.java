package dev.sextant.nas.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.search.TinyRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Step times judge themselves, and what a killed probe leaves is told from what one has. */
class TimeProbeTest {
  private final List<String> said = new ArrayList<>();
  private int rounds;

  private List<PartSeconds> time(double... seconds) {
    Progress progress =
        new Progress() {
          @Override
          public void step(String stage, long done, long all, String status, long peakBytes) {}

          @Override
          public void message(String text) {
            said.add(text);
          }
        };
    List<Entrant> entrants = List.of(TinyComparison.entrant(PublishedMethod.RANDOM));
    return new TimeProbe(TinyRun.data(), progress, TimeProbe.ROUNDS)
        .time(
            entrants,
            _ -> {
              double epoch = seconds[Math.min(rounds++, seconds.length - 1)];
              return new PartSeconds(1, 0, 0, 1, epoch, epoch);
            });
  }

  @Test
  void roundsThatAgreeAreEnough() {
    assertEquals(4, time(9, 4.5, 4).getFirst().retrainEpoch());
    assertEquals(3, rounds);
    assertEquals(List.of(), said);
  }

  @Test
  void disturbedRoundsAreTakenAgain() {
    assertEquals(4, time(9, 7, 4, 4.1).getFirst().retrainEpoch());
    assertEquals(4, rounds);
    assertEquals(List.of(), said);
  }

  @Test
  void whatStaysDoubtfulIsSaid() {
    assertEquals(3, time(16, 12, 9, 7, 5, 3).getFirst().retrainEpoch());
    assertEquals(6, rounds);
    assertTrue(said.getFirst().startsWith("doubtful  of 6 rounds of random"), said::toString);
  }

  @Test
  void aDirectoryIsAbandonedOnceItsOwnerIsGone(@TempDir Path folder) throws Exception {
    assertFalse(Owner.isAbandoned(folder.resolve("none")));
    assertFalse(Owner.isAbandoned(folder));
    try (Owner _ = Owner.of(folder)) {
      assertFalse(Owner.isAbandoned(folder));
    }
    assertTrue(Owner.isAbandoned(folder));
    Path file = folder.resolve("owner.json");
    Files.writeString(
        file,
        Files.readString(file)
            .replaceFirst("\"host\": \"[^\"]*\"", "\"host\": \"elsewhere\"")
            .replace("released", "held"));
    assertFalse(Owner.isAbandoned(folder), "another machine's may be at work");
  }
}
