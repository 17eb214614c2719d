package dev.sextant.nas.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Deaths;
import dev.sextant.nas.search.SmallRun;
import dev.sextant.tensor.Rng;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Processes that are killed at random times, again and again until one comes to the end: the same
 * bits, and none stuck. By hand, {@code -Dsextant.fuzz.kills=20 -Dsextant.fuzz.seed=1}: so many
 * kills of each kind. Its main method runs a comparison.
 */
@Tag("long")
@EnabledIfSystemProperty(named = "sextant.fuzz.kills", matches = "\\d+")
class RandomKillsTest {
  private static final int KILLS = Integer.getInteger("sextant.fuzz.kills", 0);
  private static final long SEED = Long.getLong("sextant.fuzz.seed", 1);

  @TempDir private Path folder;

  /** Begins a comparison in a directory, or continues it. */
  public static void main(String[] args) {
    System.out.println("begun");
    System.out.flush();
    Path path = Path.of(args[1]);
    MethodComparison comparison =
        MethodComparison.isIn(path) ? MethodComparison.read(path) : TinyComparison.begin(path, 1);
    Standing standing = comparison.run(0, Progress.NONE);
    if (!standing.failures().isEmpty()) {
      throw new IllegalStateException(standing.failures().toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PROXYLESS_G", "TUNAS", "LA_DARTS", "train", "compare"})
  void theSameBitsAndNoneStuck(String kind) throws Exception {
    Path whole = folder.resolve("whole");
    long begun = System.nanoTime();
    assertEquals(0, process(kind, whole, -1));
    int most = (int) ((System.nanoTime() - begun) / 1_000_000);
    Rng rng = new Rng(SEED);
    int kills = 0;
    int ended = 0;
    while (kills < KILLS) {
      Path path = folder.resolve("killed-" + ended);
      for (int after = rng.nextInt(most); process(kind, path, after) != 0; ) {
        kills++;
        // Whatever it had to go on with: the command again or resume, as SmallRun does.
        after = rng.nextInt(most);
      }
      ended++;
      for (String run :
          kind.equals("compare") ? List.of("proxyless-g-seed1/", "random-seed1/") : List.of("")) {
        assertTrue(
            Deaths.same(whole, path, run + "architecture.json", run + "weights.safetensors"),
            path + run);
        assertEquals(SmallRun.events(whole.resolve(run)), SmallRun.events(path.resolve(run)));
      }
      assertEquals(List.of(), Deaths.temporaries(path));
    }
    System.out.println(kind + ": " + kills + " kills, " + ended + " runs ended in the same bits");
  }

  /** 0 if it came to its end before so many milliseconds; another failure is the test's. */
  private static int process(String kind, Path path, int after)
      throws IOException, InterruptedException {
    String main = (kind.equals("compare") ? RandomKillsTest.class : SmallRun.class).getName();
    Path errors = Files.createTempFile("kills", ".txt");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath(),
                main,
                kind,
                path.toString())
            .redirectError(errors.toFile())
            .start();
    boolean killed = false;
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      out.readLine();
      if (after >= 0 && !child.waitFor(after, TimeUnit.MILLISECONDS)) {
        child.destroyForcibly();
        killed = true;
      }
      int status = child.waitFor();
      if (killed && status != 0) {
        return status;
      }
      assertEquals(0, status, Files.readString(errors));
      return 0;
    } finally {
      child.destroyForcibly().waitFor();
      Files.delete(errors);
    }
  }

  private static String classPath() {
    String path = System.getProperty("surefire.test.class.path");
    return path != null
        ? path
        : String.join(File.pathSeparator, System.getProperty("java.class.path"));
  }
}
