package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs that are stopped, killed, damaged or repeated, against one that went through. */
@Tag("long")
class SearchRunTest {
  private static final double NEVER = 1e9;

  /**
   * TuNAS's controller and reward over the cells of DARTS, by the predictor of Latency-Aware DARTS.
   */
  private static final Recipe REWARDED_CELLS =
      Recipe.of(
          PublishedMethod.LA_DARTS.id(),
          SupernetKind.CELLS,
          Policies.CONTROLLER,
          Costs.PREDICTED,
          Objectives.ABSOLUTE);

  @TempDir private static Path folder;

  /** Runs that went through, with seed 1. */
  private record Whole(RunDirectory directory, SearchResult result) {}

  private static final Map<PublishedMethod, Whole> WHOLE = new EnumMap<>(PublishedMethod.class);

  private static RunDirectory whole = new RunDirectory(Path.of(""));
  private static SearchResult wholeResult;

  @BeforeAll
  static void runThrough() {
    for (PublishedMethod method : PublishedMethod.values()) {
      RunDirectory directory = directory("whole-" + method);
      WHOLE.put(method, new Whole(directory, run(directory, 1, method)));
    }
    whole = whole(PublishedMethod.PROXYLESS_G).directory;
    wholeResult = whole(PublishedMethod.PROXYLESS_G).result;
  }

  private static Whole whole(PublishedMethod method) {
    return Objects.requireNonNull(WHOLE.get(method));
  }

  private static RunDirectory directory(String name) {
    return new RunDirectory(folder.resolve(name));
  }

  private static SearchResult run(RunDirectory directory, long seed, PublishedMethod method) {
    return run(directory, TinyRun.config(seed, method.recipe()));
  }

  private static SearchResult run(RunDirectory directory, SearchConfig config) {
    try (SearchRun run = TinyRun.start(directory, config, NEVER, Progress.NONE)) {
      return run.run();
    }
  }

  /** Ends a run after some steps, as a failure would. */
  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1;
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

  private static void assertSameRun(RunDirectory other) throws IOException {
    assertSameRun(whole, other);
  }

  private static void assertSameRun(RunDirectory whole, RunDirectory other) throws IOException {
    assertArrayEquals(bytes(whole.weights()), bytes(other.weights()), "weights");
    assertArrayEquals(bytes(whole.architecture()), bytes(other.architecture()), "architecture");
    List<JsonObject> expected = events(whole);
    List<JsonObject> actual = events(other);
    assertEquals(expected.size(), actual.size(), "events");
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), actual.get(i));
    }
    // Alphas: those of the last epoch of a search are among the events; a prior has none.
    assertTrue(
        expected.stream()
            .anyMatch(
                event ->
                    event.has("probabilities")
                        || event.has("validationAccuracy")
                        || event.has("testAccuracy")));
  }

  private static byte[] bytes(Path file) throws IOException {
    return Files.readAllBytes(file);
  }

  /** The events without what a clock said. */
  private static List<JsonObject> events(RunDirectory directory) throws IOException {
    return Files.readAllLines(directory.events()).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .peek(event -> event.remove("measuredMs"))
        .peek(event -> event.remove("sha256"))
        .toList();
  }

  /**
   * Warm-up 1, joint 2, retrain 1, and drawing, three epochs and a retraining of the random one.
   */
  @Test
  void aRunRecordsEveryEpochAndItsResult() throws IOException {
    List<JsonObject> events = events(whole);
    assertEquals(
        List.of(
            "search",
            "search",
            "search",
            "retrain",
            "retrain",
            "random-1",
            "random-1",
            "random-1",
            "random-1",
            "random-retrain",
            "random-retrain"),
        events.stream().map(event -> event.get("stage").getAsString()).toList());
    assertEquals(0.2, wholeResult.found().predictedCost(), 0.012);
    assertTrue(Files.isRegularFile(whole.result()));
    assertNotNull(wholeResult.random());
  }

  /** Random search is the search: no supernet, no baseline, the best sample retrained. */
  @Test
  void randomSearchIsAMethod() throws IOException {
    Whole random = whole(PublishedMethod.RANDOM);
    assertEquals(
        List.of("random-1", "random-1", "random-1", "random-1", "retrain", "retrain"),
        events(random.directory).stream().map(event -> event.get("stage").getAsString()).toList());
    assertNull(random.result.random());
    assertNull(random.result.search());
    assertEquals(TinyRun.BUDGET, random.result.found().predictedCost(), 0.012);
  }

  /** Weights learn alone first, then cells; the report shows every edge and the cells found. */
  @ParameterizedTest
  @EnumSource(names = {"LA_DARTS", "LA_PC_DARTS"})
  void cellsAreSearchedAndReported(PublishedMethod method) throws IOException {
    Whole run = whole(method);
    assertEquals(TinyRun.BUDGET, run.result.found().predictedCost(), 0.012);
    List<String> phases =
        events(run.directory).stream()
            .filter(event -> event.has("phase"))
            .map(event -> event.get("phase").getAsString())
            .toList();
    assertEquals(List.of("warm-up", "joint", "joint"), phases);
    String report = Files.readString(run.directory.report());
    assertTrue(report.contains("Reduction cell: node 3 from 2"));
    assertEquals(
        method == PublishedMethod.LA_PC_DARTS, report.contains("Normal cell: edges into node 3"));
    assertTrue(report.contains("Found by the search, reduction cell"));
    assertTrue(Files.isRegularFile(run.directory.predictor()));
    assertTrue(Files.isRegularFile(run.directory.samples()));
  }

  /** Every 13th step is done twice: the checkpoint is made after the steps that go through. */
  @ParameterizedTest
  @EnumSource
  @Execution(ExecutionMode.CONCURRENT)
  void aRunThatIsStoppedAgainAndAgainEndsInTheSameBits(PublishedMethod method) throws IOException {
    RunDirectory stopped = directory("stopped-" + method);
    runWithStops(stopped, method.recipe());
    assertSameRun(whole(method).directory, stopped);
  }

  @Test
  void aCombinationThatIsStoppedEndsInTheSameBits() throws IOException {
    RunDirectory through = directory("rewarded-cells");
    run(through, TinyRun.config(1, REWARDED_CELLS));
    RunDirectory stopped = directory("stopped-rewarded-cells");
    runWithStops(stopped, REWARDED_CELLS);
    assertSameRun(through, stopped);
  }

  private static void runWithStops(RunDirectory stopped, Recipe recipe) {
    int stops = 0;
    // The network that a prior holds for the best is trained at once, in a few steps.
    int steps = recipe instanceof Recipe.Random random && random.prior() != null ? 2 : 13;
    SearchRun run = TinyRun.start(stopped, TinyRun.config(1, recipe), 0, stopAfter(steps));
    while (true) {
      try (SearchRun open = run) {
        open.run();
        break;
      } catch (Stop e) {
        stops++;
      }
      run = SearchRun.resume(stopped, 0, stopAfter(steps));
    }
    assertTrue(stops > 2, stops + " stops");
  }

  /** One of each kind of supernet and none; {@code -Dsextant.fuzz} for every method. */
  static Stream<PublishedMethod> killed() {
    return Boolean.getBoolean("sextant.fuzz")
        ? Stream.of(PublishedMethod.values())
        : Stream.of(PublishedMethod.PROXYLESS_G, PublishedMethod.LA_DARTS, PublishedMethod.RANDOM);
  }

  /** Kills in the midst of each kind of stage, wherever in a step or a checkpoint it is. */
  @ParameterizedTest
  @MethodSource("killed")
  @Execution(ExecutionMode.CONCURRENT)
  void aKilledRunResumesToTheSameBits(PublishedMethod method)
      throws IOException, InterruptedException {
    RunDirectory killed = directory("killed-" + method);
    Rng rng = new Rng(5);
    List<String> stages =
        switch (method) {
          case RANDOM -> List.of("random-1", "retrain");
          case PRIOR -> List.of("retrain");
          default -> List.of("search", "retrain", "random-1");
        };
    for (String stage : stages) {
      int step = 2 + rng.nextInt(6);
      String how = stage.equals(stages.getFirst()) ? "start" : "resume";
      assertTrue(
          TinyRun.kill(how, killed, method.id(), stage + " " + step, rng.nextInt(30)),
          "not killed in " + stage);
      assertFalse(Files.exists(killed.result()));
    }
    try (SearchRun run = SearchRun.resume(killed, NEVER, Progress.NONE)) {
      run.run();
    }
    assertSameRun(whole(method).directory, killed);
    try (var files = Files.list(killed.checkpoint().getParent())) {
      // What a kill in the midst of writing left beside the checkpoint is never taken for it.
      assertTrue(files.anyMatch(killed.checkpoint()::equals));
    }
  }

  /** The budget holds for combinations beside the presets too, and its networks differ. */
  @ParameterizedTest
  @MethodSource
  void otherCombinationsMeetTheirBudget(Recipe recipe, double budget) throws IOException {
    RunDirectory directory = directory("mixed-" + Math.abs(recipe.hashCode()));
    SearchResult result = run(directory, TinyRun.config(1, recipe, budget));
    assertEquals(budget, result.found().predictedCost(), 0.06 * budget);
    assertEquals(recipe, new RunFile(directory).read().config().recipe());
  }

  static List<Arguments> otherCombinationsMeetTheirBudget() {
    PublishedMethod g = PublishedMethod.PROXYLESS_G;
    return List.of(
        Arguments.of(
            Recipe.of(
                g.id(),
                SupernetKind.MULTI_PATH,
                Policies.GATES_REINFORCE,
                Costs.LATENCY,
                Objectives.MUL_LOG),
            TinyRun.BUDGET),
        Arguments.of(
            Recipe.of(
                g.id(), SupernetKind.MULTI_PATH, Policies.CONTROLLER, Costs.MACS, Objectives.HARD),
            120_000.0),
        Arguments.of(
            Recipe.of(
                PublishedMethod.TUNAS.id(),
                SupernetKind.COLLAPSED,
                Policies.REINFORCE,
                Costs.PARAMETERS,
                Objectives.ADD_LINEAR),
            2_000.0),
        Arguments.of(
            Recipe.of(
                PublishedMethod.SINGLE_PATH.id(),
                SupernetKind.SUPERKERNEL,
                Policies.THRESHOLDS,
                Costs.MACS,
                Objectives.ADD_LINEAR),
            120_000.0),
        Arguments.of(
            Recipe.of(
                PublishedMethod.SINGLE_PATH.id(),
                SupernetKind.SUPERKERNEL,
                Policies.THRESHOLDS,
                Costs.LATENCY,
                Objectives.MUL_LOG),
            TinyRun.BUDGET),
        Arguments.of(
            Recipe.of(
                g.id(),
                SupernetKind.MULTI_PATH,
                Policies.GATES,
                Costs.LATENCY,
                Objectives.ABSOLUTE),
            TinyRun.BUDGET),
        Arguments.of(REWARDED_CELLS, TinyRun.BUDGET),
        Arguments.of(
            Recipe.of(
                PublishedMethod.LA_PC_DARTS.id(),
                SupernetKind.PARTIAL_CELLS,
                Policies.REINFORCE,
                Costs.PREDICTED,
                Objectives.SOFT),
            TinyRun.BUDGET),
        Arguments.of(
            Recipe.of(
                PublishedMethod.PROXYLESS_R.id(),
                SupernetKind.COLLAPSED,
                Policies.REINFORCE,
                Costs.MEASURED,
                Objectives.SOFT),
            TinyRun.BUDGET));
  }

  /** By gradients, rewards, thresholds and over cells. */
  @ParameterizedTest
  @EnumSource(names = {"PROXYLESS_G", "TUNAS", "SINGLE_PATH", "LA_DARTS"})
  @Execution(ExecutionMode.CONCURRENT)
  void twoBudgetsGiveTwoNetworks(PublishedMethod method) {
    SearchConfig high = TinyRun.config(1, method.recipe(), 0.26);
    Architecture dear = run(directory("dear-" + method), high).found().architecture();
    assertNotEquals(whole(method).result.found().architecture(), dear);
  }

  @Test
  void aFinishedRunResumesToItsResult() throws IOException {
    byte[] before = bytes(whole.events());
    try (SearchRun run = SearchRun.resume(whole, NEVER, Progress.NONE)) {
      assertEquals(wholeResult, run.run());
    }
    assertArrayEquals(before, bytes(whole.events()));
  }

  @Test
  void theSameSeedGivesTheSameRun() throws IOException {
    RunDirectory same = directory("same");
    SearchResult result = run(same, 1, PublishedMethod.PROXYLESS_G);
    assertSameRun(same);
    assertEquals(wholeResult.search(), result.search());
  }

  @ParameterizedTest
  @EnumSource(names = {"TWO_PATH", "ALL_PATHS"})
  void otherGateModesRunThroughToo(GateMode gates) {
    SearchConfig config = TinyRun.config(1, 0.1, 4e-5, gates);
    try (SearchRun run = TinyRun.start(directory(gates.toString()), config, NEVER, Progress.NONE)) {
      assertEquals(0.2, run.run().found().predictedCost(), 0.012);
    }
  }

  @Test
  void anotherSeedGivesAnotherNetwork() throws IOException {
    RunDirectory other = directory("other");
    run(other, 2, PublishedMethod.PROXYLESS_G);
    assertFalse(Arrays.equals(bytes(whole.weights()), bytes(other.weights())));
    assertFalse(events(whole).getFirst().equals(events(other).getFirst()));
  }

  @Test
  void aDamagedCheckpointIsAnErrorAndStays() throws IOException {
    RunDirectory damaged = directory("damaged");
    SearchRun run = TinyRun.start(damaged, TinyRun.config(1), 0, stopAfter(4));
    try (run) {
      assertThrows(Stop.class, run::run);
    }
    byte[] good = bytes(damaged.checkpoint());
    byte[] events = bytes(damaged.events());
    for (int at : new int[] {0, 100, good.length / 2, good.length - 1}) {
      byte[] flipped = good.clone();
      flipped[at] ^= 4;
      checkRefused(damaged, flipped);
    }
    for (int length : new int[] {0, 7, 200, good.length / 2, good.length - 1}) {
      checkRefused(damaged, Arrays.copyOf(good, length));
    }
    assertArrayEquals(events, bytes(damaged.events()), "events");
    Files.write(damaged.checkpoint(), good);
    SearchRun.resume(damaged, NEVER, Progress.NONE).close();
  }

  private static void checkRefused(RunDirectory directory, byte[] damaged) throws IOException {
    Files.write(directory.checkpoint(), damaged);
    String message =
        assertThrows(
                SextantException.class,
                () -> SearchRun.resume(directory, NEVER, Progress.NONE).close())
            .getMessage();
    assertTrue(message.contains(directory.checkpoint().toString()), message);
    assertArrayEquals(damaged, bytes(directory.checkpoint()));
  }

  /** A decay that multiplies weights by about -100 a step: they are infinite within an epoch. */
  @Test
  void aDivergingRunNamesTheCauseAndKeepsItsLastCheckpoint() throws IOException {
    RunDirectory diverging = directory("diverging");
    SearchRun run =
        TinyRun.start(diverging, TinyRun.config(1, 100, 1, GateMode.RECOMPUTE), 0, Progress.NONE);
    String message;
    try (run) {
      message = assertThrows(SextantException.class, run::run).getMessage();
    }
    assertTrue(message.contains("a lower learning rate may help"), message);
    byte[] checkpoint = bytes(diverging.checkpoint());
    // It is from before: the same steps lead to the same end.
    try (SearchRun again = SearchRun.resume(diverging, NEVER, Progress.NONE)) {
      String second = assertThrows(SextantException.class, again::run).getMessage();
      assertTrue(second.contains("a lower learning rate may help"), second);
    }
    assertArrayEquals(checkpoint, bytes(diverging.checkpoint()));
    assertFalse(Files.exists(diverging.weights()));
  }
}
