package dev.sextant.nas.compare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Deaths;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.TinyRun;
import dev.sextant.runtime.FullDisk;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparisons of tiny runs: timed, stopped, continued, damaged. */
@Tag("long")
class MethodComparisonTest {
  @TempDir private Path folder;

  /** Ends a comparison in the middle of a run, as a failure would. */
  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Hears which runs begin; stops after some steps of samples. */
  private static final class Listener implements Progress {
    private final List<String> begun = new ArrayList<>();
    private int left;

    Listener(int left) {
      this.left = left;
    }

    @Override
    public void step(String stage, long done, long steps, String status, long peakBytes) {
      if (stage.startsWith("random-") && --left == 0) {
        throw new Stop();
      }
    }

    @Override
    public void message(String text) {
      if (text.startsWith("run ")) {
        begun.add(text);
      }
    }
  }

  @Test
  void aStoppedComparisonGoesOnAndRepeatsNoRun() throws Exception {
    Path directory = folder.resolve("stopped");
    TinyComparison.begin(directory, 2);
    assertTrue(MethodComparison.isIn(directory));
    Set<String> runs =
        Set.of("proxyless-g-seed1", "random-seed1", "proxyless-g-seed2", "random-seed2");
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(
          Stream.concat(
                  runs.stream(),
                  Stream.of("compare.json", "latency-tiny.json", "owner.json", "owner.lock"))
              .collect(Collectors.toSet()),
          files.map(file -> file.getFileName().toString()).collect(Collectors.toSet()));
    }
    assertThrows(Stop.class, () -> MethodComparison.read(directory).run(0, new Listener(3)));
    Path first = directory.resolve("proxyless-g-seed1");
    assertTrue(Files.exists(first.resolve("result.json")));
    assertFalse(Files.exists(directory.resolve("random-seed1/result.json")));
    byte[] checkpoint = Files.readAllBytes(first.resolve("checkpoint/state.safetensors"));
    // As if it had been killed between its result and its report.
    Files.delete(first.resolve("report.html"));

    Listener listener = new Listener(0);
    Standing standing = MethodComparison.read(directory).run(1e9, listener);
    assertEquals(
        List.of(
            "run 2 of 4: random, seed 1",
            "run 3 of 4: proxyless-g, seed 2",
            "run 4 of 4: random, seed 2"),
        listener.begun);
    assertArrayEquals(
        checkpoint, Files.readAllBytes(first.resolve("checkpoint/state.safetensors")));
    assertTrue(Files.exists(first.resolve("report.html")));
    assertEquals(List.of(), standing.failures());
    assertEquals(
        runs,
        standing.outcomes().stream().map(Standing.Outcome::folder).collect(Collectors.toSet()));
    for (Standing.Outcome outcome : standing.outcomes()) {
      assertTrue(outcome.testAccuracy() >= 0 && outcome.testAccuracy() <= 1, outcome::toString);
      assertTrue(outcome.measuredMs() > 0 && outcome.seconds() > 0, outcome::toString);
    }
    assertTrue(Files.readString(directory.resolve("compare.html")).contains("random-seed2"));

    Path through = folder.resolve("through");
    TinyComparison.begin(through, 1).run(1e9, Progress.NONE);
    assertArrayEquals(
        Files.readAllBytes(through.resolve("random-seed1/weights.safetensors")),
        Files.readAllBytes(directory.resolve("random-seed1/weights.safetensors")));

    Listener nothing = new Listener(0);
    assertEquals(standing, MethodComparison.read(directory).run(0, nothing));
    assertEquals(List.of(), nothing.begun);
  }

  /**
   * Its start again, or what is left of it, from every call of the file system at which it dies.
   */
  @Test
  void aComparisonThatDiesGoesOn() throws Exception {
    Deaths deaths =
        Deaths.of(
            folder.resolve("begun"),
            disk -> TinyComparison.begin(disk.resolve("compared"), 1).run(1e9, Progress.NONE));
    Path whole = folder.resolve("begun/living/compared");
    int again = 0;
    for (Deaths.Death death : deaths.deaths()) {
      Path path = death.folder().resolve("compared");
      boolean begun = MethodComparison.isIn(path);
      boolean ended = Files.exists(path.resolve("random-seed1/result.json"));
      if (!begun) {
        RunDirectory.create(path);
        TinyComparison.begin(path, 1);
        again++;
        for (String file : List.of("compare.json", "latency-tiny.json", "random-seed1/run.json")) {
          assertTrue(Files.exists(path.resolve(file)), path + " " + file);
        }
      } else if (ended) {
        MethodComparison.read(path).run(1e9, Progress.NONE);
        assertTrue(
            Deaths.same(
                whole,
                path,
                "random-seed1/weights.safetensors",
                "proxyless-g-seed1/weights.safetensors"));
      } else {
        // The runs themselves: EveryDeathTest.
        MethodComparison.read(path).writePage();
      }
      assertTrue(begun || Deaths.temporaries(path).isEmpty(), path.toString());
    }
    System.out.println("compare: " + deaths.calls() + " calls, " + again + " started again");
    assertTrue(again > 20, again + " starts");
  }

  /** What fails in a run is noted, what fails around it thrown; with room again it goes on. */
  @Test
  void aComparisonOnAFullDiskGoesOnWhenThereIsRoomAgain() throws Exception {
    Path whole = folder.resolve("whole");
    FullDisk disk = new FullDisk(folder, Long.MAX_VALUE, Integer.MAX_VALUE);
    begunOrRead(disk.path(whole));
    long bytes = disk.written();
    int levels = Integer.getInteger("sextant.fuzz.levels", 5);
    int thrown = 0;
    for (int level = 0; level < levels; level++) {
      Path path = folder.resolve("room-" + level);
      FullDisk small = new FullDisk(folder, bytes * level / levels, Integer.MAX_VALUE);
      String message;
      try {
        message = begunOrRead(small.path(path)).failures().getFirst().message();
      } catch (SextantException e) {
        message = String.valueOf(e.getMessage());
        thrown++;
      }
      assertTrue(message.contains("cannot be written (No space left on device)"), message);
      assertEquals(List.of(), begunOrRead(path).failures());
      assertTrue(
          Deaths.same(
              whole,
              path,
              "random-seed1/weights.safetensors",
              "proxyless-g-seed1/weights.safetensors"),
          path.toString());
    }
    System.out.printf(
        "full disk: a comparison of %d bytes, %d levels, %d thrown%n", bytes, levels, thrown);
    assertTrue(thrown > 0);
  }

  private static Standing begunOrRead(Path path) {
    MethodComparison comparison =
        MethodComparison.isIn(path) ? MethodComparison.read(path) : TinyComparison.begin(path, 1);
    return comparison.run(1e9, Progress.NONE);
  }

  @Test
  void aRunThatGoesWrongIsNamedAndTheOthersGoOn() throws Exception {
    Path directory = folder.resolve("wrong");
    TinyComparison.begin(directory, 1);
    Files.writeString(directory.resolve("proxyless-g-seed1/run.json"), "{}");
    Standing standing = MethodComparison.read(directory).run(1e9, Progress.NONE);
    assertEquals(1, standing.outcomes().size());
    assertEquals("proxyless-g-seed1", standing.failures().getFirst().folder());
    assertTrue(standing.remarks().getFirst().contains("run.json"), standing.remarks()::toString);
    assertTrue(Files.readString(directory.resolve("compare.json")).contains("proxyless-g-seed1"));
  }

  @Test
  void aDamagedFileIsNamed() throws Exception {
    Path directory = folder.resolve("damaged");
    TinyComparison.begin(directory, 1);
    Path file = directory.resolve("compare.json");
    String json = Files.readString(file);
    for (String[] change :
        new String[][] {
          {"\"seeds\": 1", "\"seeds\": 0", "seeds: 0"},
          {"\"seeds\": 1", "\"seeds\": \"few\"", "plan"},
          {"sextant-comparison/2", "sextant-comparison/9", "format"},
          {"\"plan\"", "\"plans\"", "plan is missing"},
          {"{", "{{", "not JSON"}
        }) {
      assertTrue(json.contains(change[0]), change[0]);
      String changed = json.replace(change[0], change[1]);
      Files.writeString(file, changed);
      assertThrows(SextantException.class, () -> MethodComparison.read(directory));
      if (!changed.startsWith("{{")) {
        // As one who knows about checksums would change it.
        changed =
            SealedJson.write(
                JsonParser.parseString(changed).getAsJsonObject(), JsonObject::toString, "");
      }
      Files.writeString(file, changed);
      String message =
          assertThrows(SextantException.class, () -> MethodComparison.read(directory)).getMessage();
      assertTrue(String.valueOf(message).contains(change[2]), message);
      assertTrue(String.valueOf(message).contains("compare.json"), message);
    }
    assertThrows(SextantException.class, () -> MethodComparison.read(folder.resolve("none")));
  }

  /** Each part that a method has takes time, the others none; a tiny time is refused. */
  @Test
  void methodsAreTimedBeforeTheyArePlanned() {
    List<Entrant> entrants =
        List.of(
            TinyComparison.entrant(PublishedMethod.TUNAS),
            TinyComparison.entrant(PublishedMethod.RANDOM));
    List<PartSeconds> parts =
        new TimeProbe(TinyRun.data(), Progress.NONE, TimeProbe.ROUNDS).time(entrants);
    PartSeconds tunas = parts.getFirst();
    assertTrue(tunas.warmupEpoch() > 0 && tunas.jointEpoch() > 0 && tunas.retrainEpoch() > 0);
    assertEquals(0, tunas.draw() + tunas.sampleEpoch());
    PartSeconds random = parts.getLast();
    assertEquals(0, random.warmupEpoch() + random.jointEpoch());
    assertTrue(random.sampleEpoch() > 0 && random.retrainEpoch() > 0 && random.draw() >= 0);
    assertTrue(random.fixed() > 0 && tunas.fixed() > 0);

    Path directory = folder.resolve("short");
    String message =
        assertThrows(
                SextantException.class,
                () ->
                    MethodComparison.plan(
                        directory,
                        new TreeMap<>(),
                        List.of(TinyComparison.entrant(PublishedMethod.RANDOM)),
                        1e-3,
                        1,
                        TinyRun.data(),
                        Progress.NONE))
            .getMessage();
    assertTrue(String.valueOf(message).contains("random takes"), message);
    assertFalse(Files.exists(directory));
  }
}
