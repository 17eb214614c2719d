package dev.sextant.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.compare.Entrant;
import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.compare.Sweep;
import dev.sextant.nas.compare.TwoRuns;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.SharedRun;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of two executors, processes of their own, of which one is killed: what is left goes on
 * and ends in the bits in which it would have ended.
 */
@Tag("long")
class LocalClusterTest {
  private static final String IMAGES = "builtin:200";

  @TempDir static Path folder;

  private static Cluster cluster;

  @BeforeAll
  static void start() throws IOException {
    // What Spark takes for an installation; its jars are on the executors' class path anyway.
    Path home = Path.of(String.valueOf(System.getenv("SPARK_HOME")));
    Files.createDirectories(home.resolve("jars"));
    Files.writeString(home.resolve("RELEASE"), "");
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    System.setProperty("spark.executor.extraClassPath", path);
    System.setProperty("spark.executor.memory", "600m");
    System.setProperty("spark.executor.extraJavaOptions", "-XX:+UseSerialGC");
    System.setProperty("sextant.latency.most", "20");
    cluster = ClusterProvider.open("local-cluster[2,1,600]", 1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
    for (String name : List.of("extraClassPath", "memory", "extraJavaOptions")) {
      System.clearProperty("spark.executor." + name);
    }
  }

  /** A search of seconds by counts, which every machine has alike. */
  private static Entrant entrant(PublishedMethod method) {
    ImageDataset data = Datasets.open(IMAGES);
    String block = "{\"op\": \"mbconv\", \"kernel\": %d, \"expand\": %d, \"act\": \"relu6\"}";
    Space space =
        Space.parse(
            """
            {"format": "sextant-space/1", "name": "tiny", "classes": 10,
             "input": {"height": 28, "width": 28, "channels": 1},
             "layers": [
               {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
               {"choice": [%s, %s, {"op": "skip"}], "out": 12, "stride": 2, "repeat": 3},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
            """
                .formatted(block.formatted(3, 2), block.formatted(5, 3)),
            "tiny");
    Recipe recipe = method.recipe(space).withCost(Costs.ALL.named("macs"));
    CostModel model =
        recipe
            .cost()
            .model(
                new CostRequest(
                    space,
                    null,
                    Options.of(recipe.cost(), new TreeMap<>()),
                    new CostRequest.Measuring(Device.parse("cpu"), 1, 1, 20),
                    1,
                    Progress.NONE));
    BudgetCheck.Range range = BudgetCheck.costs(model, space);
    SearchSetup setup =
        new SearchSetup(
            IMAGES,
            DataOptions.DEFAULT,
            space.withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes()),
            method
                .config(recipe, 0.5 * (range.minimum() + range.maximum()))
                .withSeed(1)
                .withLength(TwoRuns.LENGTH),
            true,
            Device.parse("cpu"),
            1,
            1,
            1);
    return new Entrant(method.id(), setup, model);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  /** Kills a process once a run has made a checkpoint. */
  private static Thread killer(Path run, ToLongFunction<Long> victim, long[] killed) {
    return Thread.ofPlatform()
        .start(
            () -> {
              Path checkpoint = new RunDirectory(run).checkpoint();
              for (int i = 0; i < 20_000 && !Files.exists(checkpoint); i++) {
                pause();
              }
              long owner =
                  JsonText.parse(JsonText.readFile(run.resolve("owner.json")), "owner")
                      .get("process")
                      .getAsLong();
              killed[0] = victim.applyAsLong(owner);
              ProcessHandle.of(killed[0]).orElseThrow().destroyForcibly();
            });
  }

  private static void pause() {
    try {
      Thread.sleep(3);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void assertSame(Path one, Path other) throws IOException {
    for (String file : List.of("architecture.json", "weights.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(one.resolve(file)), Files.readAllBytes(other.resolve(file)), file);
    }
  }

  @Test
  void aSweepGoesOnAfterAnExecutorWasKilled() throws Exception {
    Path out = folder.resolve("sweep");
    Entrant entrant = entrant(PublishedMethod.PROXYLESS_G);
    TwoRuns.begin(out, entrant);
    Path undisturbed = folder.resolve("undisturbed");
    copy(out, undisturbed);
    long[] killed = {0};
    Thread killer = killer(out.resolve("proxyless-g-seed1"), owner -> owner, killed);
    List<Standing> standings =
        new Sweep(List.of(MethodComparison.read(out))).run(cluster, 0.2, false, Progress.NONE);
    killer.join();
    assertTrue(killed[0] != 0);
    assertEquals(List.of(), standings.getFirst().failures());
    assertEquals(2, standings.getFirst().outcomes().size());
    assertTrue(Files.exists(out.resolve("compare.html")));
    MethodComparison.read(undisturbed).run(1e9, Progress.NONE);
    for (String run : List.of("proxyless-g-seed1", "proxyless-g-seed2")) {
      assertSame(undisturbed.resolve(run), out.resolve(run));
    }
  }

  @Test
  void workersThatTrainTogetherGoOnAfterOneWasKilled() throws Exception {
    Entrant entrant = entrant(PublishedMethod.PROXYLESS_R);
    for (String name : List.of("whole", "killed")) {
      RunDirectory directory = RunDirectory.create(folder.resolve(name));
      SearchRun.prepare(directory, entrant.setup(), entrant.model());
      new RunFile(directory).shareAmong(2);
    }
    together(folder.resolve("whole"), 1e9);
    long[] killed = {0};
    long own = ProcessHandle.current().pid();
    Thread killer =
        killer(
            folder.resolve("killed"),
            owner ->
                ProcessHandle.current()
                    .descendants()
                    .filter(process -> process.pid() != owner && process.pid() != own)
                    .filter(process -> process.info().command().orElse("").endsWith("java"))
                    .findFirst()
                    .orElseThrow()
                    .pid(),
            killed);
    together(folder.resolve("killed"), 0.2);
    killer.join();
    assertTrue(killed[0] != 0);
    assertSame(folder.resolve("whole"), folder.resolve("killed"));
    assertEquals(
        SearchRun.result(new RunDirectory(folder.resolve("whole"))).found().architecture(),
        SearchRun.result(new RunDirectory(folder.resolve("killed"))).found().architecture());
  }

  private static void together(Path run, double checkpointSeconds) {
    String path = run.toString();
    cluster.together(
        2,
        (workers, attempt) ->
            SharedRun.run(
                new RunDirectory(Path.of(path)),
                checkpointSeconds,
                workers,
                attempt > 0,
                Progress.NONE));
  }

  @Test
  void whatGoesWrongInAWorkerIsSaidInItsSentence() {
    SextantException wrong =
        assertThrows(
            SextantException.class,
            () ->
                cluster.together(
                    2,
                    (workers, attempt) -> {
                      if (workers.rank() == 1) {
                        throw new SextantException("the loss is NaN");
                      }
                      workers.meet();
                    }));
    assertEquals("the loss is NaN", wrong.getMessage());
  }
}
