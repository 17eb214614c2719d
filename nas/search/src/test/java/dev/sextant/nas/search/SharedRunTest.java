package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("long")
class SharedRunTest {
  @TempDir Path folder;

  private RunDirectory prepared(String name, SearchConfig config) {
    RunDirectory directory = RunDirectory.create(folder.resolve(name));
    SearchSetup setup = TinyRun.setup(config);
    SearchRun.prepare(directory, setup, TinyRun.model(setup));
    new RunFile(directory).shareAmong(2);
    return directory;
  }

  private static void run(RunDirectory directory, double seconds, int lostAfter) {
    ThreadWorkers.run(
        2,
        lostAfter,
        workers -> SharedRun.run(directory, seconds, workers, lostAfter < 0, Progress.NONE));
  }

  private static void assertSame(RunDirectory one, RunDirectory other) throws IOException {
    assertEquals(Files.readString(one.architecture()), Files.readString(other.architecture()));
    assertArrayEquals(Files.readAllBytes(one.weights()), Files.readAllBytes(other.weights()));
  }

  /** Every method: workers that went apart would not come to the end, or to other bits. */
  @ParameterizedTest
  @EnumSource(PublishedMethod.class)
  void twoWorkersEndInTheSameBitsAfterOneWasLost(PublishedMethod method) throws IOException {
    boolean random = method == PublishedMethod.RANDOM;
    SearchConfig config =
        TinyRun.config(1, method.recipe()).withLength(new RunLength(1, 1, 1, random ? 1 : 0));
    RunDirectory whole = prepared("whole", config);
    run(whole, 1e9, -1);
    RunDirectory killed = prepared("killed", config);
    assertThrows(SextantException.class, () -> run(killed, 0, 9));
    assertTrue(Files.exists(killed.checkpoint()));
    run(killed, 0, -1);
    assertSame(whole, killed);
  }

  @Test
  void anotherNumberOfWorkersIsRefused() {
    RunDirectory directory = prepared("run", TinyRun.config(1));
    SextantException alone =
        assertThrows(SextantException.class, () -> SearchRun.resume(directory, 1, Progress.NONE));
    assertTrue(String.valueOf(alone.getMessage()).contains("begun by 2 workers"));
    SextantException odd =
        assertThrows(SextantException.class, () -> new RunFile(directory).shareAmong(1000));
    assertTrue(String.valueOf(odd.getMessage()).contains("cannot share batches"));
  }
}
