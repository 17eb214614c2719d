package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.run.Deaths;
import dev.sextant.runtime.FullDisk;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Whole runs on a disk that fills up: one sentence says so, and with room again the same command
 * starts or resume goes on, to the same bits.
 */
@Tag("long")
@Execution(ExecutionMode.CONCURRENT)
class FullDiskRunTest {
  /** Levels to which the disk is filled; what differs is in which of a run's files it happens. */
  private static final int LEVELS = Integer.getInteger("sextant.fuzz.levels", 10);

  @TempDir private Path folder;

  @Test
  void aSearchGoesOnWhenThereIsRoomAgain() throws IOException {
    goesOn(
        path -> {
          try (SearchRun run = SmallRun.search(path, PublishedMethod.PROXYLESS_G)) {
            run.run();
          }
        },
        "result.json",
        "report.html",
        "evaluation.json",
        "prices.json");
  }

  @Test
  void aTrainingGoesOnWhenThereIsRoomAgain() throws IOException {
    goesOn(
        path -> {
          try (var run = SmallRun.train(path)) {
            run.run();
          }
        });
  }

  private void goesOn(Consumer<Path> process, String... more) throws IOException {
    Path whole = folder.resolve("whole");
    FullDisk disk = new FullDisk(folder, Long.MAX_VALUE, Integer.MAX_VALUE);
    process.accept(disk.path(whole));
    long bytes = disk.written();
    int full = 0;
    for (int level = 0; level < LEVELS; level++) {
      // The last bytes are given back or the report: the first levels are closer together.
      long room = level < LEVELS / 2 ? 300L * level : bytes * level / LEVELS;
      Path path = folder.resolve("room-" + room);
      FullDisk small = new FullDisk(folder, room, Integer.MAX_VALUE);
      String message =
          assertThrows(SextantException.class, () -> process.accept(small.path(path))).getMessage();
      assertTrue(message.contains("cannot be written (No space left on device)"), message);
      full++;
      process.accept(path);
      assertTrue(Deaths.same(whole, path, "architecture.json", "weights.safetensors"), "bits");
      assertEquals(SmallRun.events(whole), SmallRun.events(path));
      for (String file : more) {
        assertTrue(Files.exists(path.resolve(file)), file);
      }
    }
    System.out.println("full disk: " + full + " levels of " + bytes + " bytes");
  }
}
