package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Policy, cost, objective, method and images from outside, found by their names. */
class DoorsTest {
  private static final double BUDGET = 17;

  @TempDir private Path folder;

  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private Path prices() throws IOException {
    Space space = (Space) TinyRun.space(TinyRun.data(), PublishedMethod.PROXYLESS_G.recipe());
    TreeSet<String> labels = new TreeSet<>();
    space.positions().forEach(p -> p.layers().stream().map(Layer::label).forEach(labels::add));
    StringBuilder text = new StringBuilder();
    for (String label : labels) {
      text.append(label + "," + (label.equals("skip") ? 0 : 2.5 + labels.headSet(label).size()));
      text.append("\n");
    }
    return Files.writeString(folder.resolve("energy.csv"), text);
  }

  private SearchConfig config() throws IOException {
    Recipe recipe = Methods.ALL.named("test-gdas").recipe();
    return TinyRun.config(1, recipe, BUDGET)
        .withOptions(
            Map.of("test-energy.file", prices().toString(), "test-gumbel.first-temperature", "5"));
  }

  private static Progress stopAfter(int steps) {
    return new Progress() {
      private int left = steps;

      @Override
      public void step(String stage, long done, long all, String status, long peakBytes) {
        if (--left == 0) {
          throw new Stop();
        }
      }

      @Override
      public void message(String text) {}
    };
  }

  /** The prices a run begins with are its own: the file they came from may go. */
  @Test
  @Tag("long")
  void aRunOfPartsFromOutsideStoppedAndKilledEndsInTheSameBits() throws Exception {
    SearchConfig config = config();
    RunDirectory whole = new RunDirectory(folder.resolve("whole"));
    try (SearchRun run = TinyRun.start(whole, config, 1e9, Progress.NONE)) {
      assertEquals(BUDGET, run.run().found().predictedCost(), 0.1 * BUDGET);
    }
    RunDirectory stopped = new RunDirectory(folder.resolve("stopped"));
    SearchRun run = TinyRun.start(stopped, config, 0, stopAfter(7));
    Files.delete(folder.resolve("energy.csv"));
    int stops = 0;
    while (true) {
      try (SearchRun open = run) {
        open.run();
        break;
      } catch (Stop e) {
        stops++;
      }
      run = SearchRun.resume(stopped, 0, stopAfter(7));
    }
    assertTrue(stops > 5, stops + " stops");
    assertSame(whole, stopped);
    RunDirectory killed = new RunDirectory(folder.resolve("killed"));
    String[] options = {
      "test-energy.file=" + prices(), "test-gumbel.first-temperature=5", "budget=" + BUDGET
    };
    assertTrue(TinyRun.kill("start", killed, "test-gdas", "search 9", 5, options));
    assertFalse(Files.exists(killed.result()));
    try (SearchRun resumed = SearchRun.resume(killed, 1e9, Progress.NONE)) {
      resumed.run();
    }
    assertSame(whole, killed);
    String report = Files.readString(whole.report());
    assertTrue(report.contains("mJ") && report.contains("Expected energy"), "unit and name");
    assertTrue(report.contains("test-gumbel"), "policy");
    assertEquals(
        "5", new RunFile(killed).read().config().options().get("test-gumbel.first-temperature"));
    System.out.println("doors: the same bits after " + stops + " stops and a kill");
  }

  private static void assertSame(RunDirectory expected, RunDirectory actual) throws IOException {
    assertArrayEquals(
        Files.readAllBytes(expected.weights()), Files.readAllBytes(actual.weights()), "weights");
    assertArrayEquals(
        Files.readAllBytes(expected.architecture()),
        Files.readAllBytes(actual.architecture()),
        "architecture");
  }

  @Test
  void aMethodBringsItsNumbers() {
    Method method = Methods.ALL.named("test-gdas");
    SearchConfig config = method.config(3);
    assertEquals(0.07, config.architecture().rate());
    assertEquals(0.3, config.budget().lambda());
    assertEquals("5", config.options().get("test-gumbel.first-temperature"));
    assertEquals("test-gdas", config.recipe().method());
  }

  @Test
  void aNameThatNoOneProvidesIsRefusedWithTheList() {
    assertRefused(
        () -> Policies.ALL.named("evolution"),
        "policy: 'evolution' is none",
        "gates",
        "test-gumbel");
    assertRefused(
        () -> Costs.ALL.named("watts"), "cost: 'watts' is none", "latency", "test-energy");
    assertRefused(
        () -> Objectives.ALL.named("x"), "objective: 'x' is none", "add-linear", "test-squared");
    assertRefused(() -> Methods.ALL.named("x"), "method: 'x' is none", "tunas", "test-gdas");
    assertRefused(() -> SupernetKind.named("x"), "supernet: 'x' is none", "multi-path");
  }

  @Test
  void optionsThatNothingReadsOrThatAreOutOfRangeAreRefused() {
    SearchConfig config = Methods.ALL.named("test-gdas").config(3);
    assertRefused(
        () -> config.withOptions(Map.of("test-gumbel.tau", "1")),
        "set test-gumbel.tau",
        "test-gumbel.first-temperature");
    assertRefused(
        () -> config.withOptions(Map.of("test-gumbel.last-temperature", "0")),
        "test-gumbel.last-temperature: 0 is not between 0.01 and 1000.0");
    assertRefused(
        () -> config.withOptions(Map.of("test-energy.idle", "much")),
        "test-energy.idle: 'much' is no number");
    assertRefused(
        () -> PublishedMethod.TUNAS.config(3).withOptions(Map.of("a.b", "1")),
        "set a.b: nothing that this run is made of has options");
  }

  @Test
  void aPolicyFromOutsideIsRefusedWhatItIsNotFor() {
    assertRefused(
        () ->
            Recipe.of(
                "tunas",
                SupernetKind.COLLAPSED,
                Policies.ALL.named("test-gumbel"),
                Costs.LATENCY,
                Objectives.ADD_LINEAR),
        "supernet collapsed with policy test-gumbel: the policy is for --supernet multi-path");
  }

  @Test
  void imagesFromOutsideAreNamedOrRecognised() throws IOException {
    DataOptions options = DataOptions.DEFAULT.withOwn(Map.of("test-stripes.count", "10"));
    ImageDataset named = Datasets.open("test-stripes:here", options);
    assertEquals(10, named.train().count());
    assertEquals("stripes of here", named.name());
    Path file = Files.createFile(folder.resolve("a.stripes"));
    assertEquals(40, Datasets.open(file.toString()).train().count());
    assertTrue(
        Datasets.absolute("test-stripes:x").endsWith(Path.of("x").toAbsolutePath().toString()));
    assertRefused(
        () ->
            Datasets.open(
                "test-stripes:x", DataOptions.DEFAULT.withOwn(Map.of("test-stripes.n", "1"))),
        "set test-stripes.n",
        "test-stripes.count");
  }

  /** Runs that were begun when {@code run.json} held one flat object of 30 fields. */
  @Test
  void settingsOfEarlierRunsAreRead() throws IOException {
    for (PublishedMethod method :
        List.of(PublishedMethod.PROXYLESS_G, PublishedMethod.LA_PC_DARTS, PublishedMethod.RANDOM)) {
      RunDirectory directory = new RunDirectory(Files.createDirectory(folder.resolve(method.id())));
      try (var in =
          DoorsTest.class.getResourceAsStream("flat-run-%s.json".formatted(method.id()))) {
        Files.write(directory.run(), in.readAllBytes());
      }
      SearchSetup setup = new RunFile(directory).read();
      SearchConfig tiny = TinyRun.config(1, method.recipe());
      SearchConfig now = tiny.withRetraining(tiny.retraining().keeping(false, TeacherConfig.NONE));
      BatchConfig then = new BatchConfig(24, "light", 0.1);
      assertEquals(now.withImages(now.images(), then), setup.config());
    }
  }

  private static void assertRefused(Executable what, String... parts) {
    String message = assertThrows(SextantException.class, what).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }
}
