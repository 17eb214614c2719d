package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One bit of one file of a run is flipped: it is refused, or the network gives the same logits.
 *
 * <p>Bits are drawn; {@code -Dsextant.fuzz} takes them all, {@code -Dsextant.fuzz.bits} so many of
 * each file.
 */
@Tag("long")
class BitFlipsTest {
  private static final int DRAWN = Integer.getInteger("sextant.fuzz.bits", 50);

  /** Nothing of the run depends on what is only looked at, or says who writes. */
  private static final Set<String> APART =
      Set.of("report.html", "evaluation.json", "model.onnx", "owner.json", "owner.lock");

  @TempDir private static Path folder;

  private static RunDirectory directory = new RunDirectory(Path.of(""));
  private static float[] logits = new float[0];

  @BeforeAll
  static void runThrough() {
    directory = new RunDirectory(folder.resolve("run"));
    try (SearchRun run = SmallRun.search(directory.path(), PublishedMethod.PROXYLESS_G)) {
      run.run();
    }
    logits = logits();
  }

  static List<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(directory.path())) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> directory.path().relativize(file).toString())
          .filter(name -> !APART.contains(name))
          .sorted()
          .toList();
    }
  }

  /** What an application sees. */
  private static float[] logits() {
    Architecture network = Architecture.read(directory.architecture());
    try (CompiledModel model = CompiledModel.compile(network, Weights.read(directory.weights()))) {
      byte[] pixels = new byte[28 * 28];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (byte) (7 * i);
      }
      float[] scores = new float[network.classes()];
      model.runPixels(pixels, scores);
      return scores;
    }
  }

  @Test
  void everyFileIsThere() throws IOException {
    assertEquals(
        List.of(
            "architecture.json",
            "checkpoint/state.safetensors",
            "events.jsonl",
            "inherited.safetensors",
            "latency.json",
            "prices.json",
            "result.json",
            "run.json",
            "teacher.json",
            "teacher.safetensors",
            "weights.safetensors"),
        files());
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFlippedBitIsRefusedOrChangesNothing(String name) throws IOException {
    Path file = directory.path().resolve(name);
    byte[] good = Files.readAllBytes(file);
    int refused = 0;
    int same = 0;
    for (int bit : bits(8 * good.length)) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bad);
      try {
        // Without what the application reads, the run is asked to go on, and to show itself.
        if (file.equals(directory.architecture()) || file.equals(directory.weights())) {
          assertArrayEquals(logits, logits(), name + " bit " + bit);
        } else if (file.equals(directory.result())) {
          Report.write(directory);
        } else {
          try (SearchRun run = SearchRun.resume(directory, 1e9, Progress.NONE)) {
            run.run();
          }
          assertArrayEquals(logits, logits(), name + " bit " + bit);
        }
        same++;
      } catch (SextantException e) {
        assertTrue(!String.valueOf(e.getMessage()).isBlank());
        refused++;
      }
    }
    Files.write(file, good);
    System.out.println(name + ": " + refused + " refused, " + same + " the same");
    assertTrue(refused > same, name);
  }

  private static Iterable<Integer> bits(int count) {
    if (Boolean.getBoolean("sextant.fuzz")) {
      List<Integer> all = new ArrayList<>();
      for (int bit = 0; bit < count; bit++) {
        all.add(bit);
      }
      return all;
    }
    Rng rng = new Rng(count);
    TreeSet<Integer> drawn = new TreeSet<>();
    while (drawn.size() < Math.min(DRAWN, count)) {
      drawn.add(rng.nextInt(count));
    }
    return drawn;
  }

  /** A key of another name hides no checksum, and files of one run do not stand in another. */
  @Test
  void aChecksumThatIsGoneAndAnothersFileAreRefused() throws IOException {
    Path other = folder.resolve("other");
    try (var run = SmallRun.train(other)) {
      run.run();
    }
    for (String name : files()) {
      Path file = directory.path().resolve(name);
      byte[] good = Files.readAllBytes(file);
      String text = new String(good, StandardCharsets.ISO_8859_1);
      int key = text.lastIndexOf("sha256");
      if (key >= 0) {
        byte[] bad = good.clone();
        bad[key + 5] = '?';
        Files.write(file, bad);
        assertRefused(name);
      }
      if (Files.exists(other.resolve(name))) {
        Files.write(file, Files.readAllBytes(other.resolve(name)));
        assertRefused(name);
      }
      Files.write(file, good);
    }
    assertArrayEquals(logits, logits());
  }

  private static void assertRefused(String name) {
    try (SearchRun run = SearchRun.resume(directory, 1e9, Progress.NONE)) {
      run.run();
    } catch (SextantException e) {
      return;
    }
    throw new AssertionError(name + " was accepted");
  }
}
