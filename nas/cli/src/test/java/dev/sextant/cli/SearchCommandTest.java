package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.cells.CellLatencies;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.json.SealedJson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small search from beginning to end, and what becomes of its directory. */
@Tag("long")
class SearchCommandTest {
  @TempDir private Path directory;

  @Test
  void aSearchLeavesACompleteRunThatResumesToItself() throws Exception {
    Path out = directory.resolve("runs/first");
    Path table = CheapTable.write(directory.resolve("table.json"));
    String printed =
        Command.run(
                "search",
                "--data=builtin:400",
                "--table=" + table,
                "--budget=" + CheapTable.budget(),
                "--out=" + out,
                "--batch=64",
                "--warmup-epochs=1",
                "--epochs=1",
                "--retrain-epochs=1",
                "--architecture-interval=1",
                "--architecture-rate=0.1",
                "--random-samples=1",
                "--threads=1")
            .succeeded();

    assertEquals(
        Set.of(
            "run.json",
            "latency.json",
            "events.jsonl",
            "checkpoint",
            "architecture.json",
            "weights.safetensors",
            "model.onnx",
            "result.json",
            "evaluation.json",
            "report.html",
            "owner.json",
            "owner.lock",
            "prices.json"),
        names(out));
    assertEquals(Set.of("state.safetensors"), names(out.resolve("checkpoint")));
    assertTrue(Files.readString(out.resolve("run.json")).contains("\"sextant-run/2\""));
    assertEquals(CheapTable.of(CheapTable.space()), LatencyFiles.read(out.resolve("latency.json")));
    List<String> events = Files.readAllLines(out.resolve("events.jsonl"));
    assertTrue(events.stream().allMatch(line -> line.startsWith("{\"event\":")), events::toString);
    assertEquals(2, events.stream().filter(line -> line.contains("\"trained\"")).count());
    assertTrue(Files.readString(out.resolve("result.json")).contains("\"found.testAccuracy\""));
    Architecture found = Architecture.read(out.resolve("architecture.json"));
    Weights weights = Weights.read(out.resolve("weights.safetensors"));
    try (CompiledModel model = CompiledModel.compile(found, weights)) {
      int label = model.classify(new byte[28 * 28]);
      assertTrue(label >= 0 && label < 10);
    }

    String shown = result(printed);
    assertTrue(shown.contains("random search"), shown);
    String again = Command.run("resume", out).succeeded();
    assertEquals(shown, result(again));
    assertEquals(events, Files.readAllLines(out.resolve("events.jsonl")));

    Command.run("search", "--table=" + table, "--data=builtin:400", "--out=" + out)
        .refused(out, "holds a run");
    heldElsewhere(out, shown);
    damaged(out);
    evaluated(out);
  }

  /** What a dry run says is no run; a program reads it and its outcome line by line. */
  @Test
  void aDryRunWritesNothingAndProgramsReadObjects() throws Exception {
    Path out = directory.resolve("run");
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "search",
                "--data=builtin:120",
                "--table=" + CheapTable.write(directory.resolve("table.json")),
                "--budget=" + CheapTable.budget(),
                "--out=" + out,
                "--batch=24",
                "--warmup-epochs=1",
                "--epochs=1",
                "--retrain-epochs=1",
                "--random-samples=1",
                "--architecture-interval=1",
                "--architecture-rate=0.1",
                "--threads=1"));
    arguments.add("--dry-run");
    String planned = Command.run(arguments.toArray()).succeeded();
    assertTrue(planned.contains("would     proxyless-small is searched by gates"), planned);
    assertTrue(planned.lines().anyMatch(line -> line.matches("time +about .* here")), planned);
    assertFalse(Files.exists(out));

    arguments.set(arguments.size() - 1, "--format=json");
    List<String> lines = Command.run(arguments.toArray()).succeeded().lines().toList();
    JsonObject last = JsonParser.parseString(lines.getLast()).getAsJsonObject();
    assertEquals("result", last.get("event").getAsString());
    assertEquals(out.toString(), last.get("directory").getAsString());
    assertTrue(last.getAsJsonObject("found").get("testAccuracy").getAsDouble() <= 1);
    for (String line : lines) {
      assertTrue(JsonParser.parseString(line).getAsJsonObject().has("event"), line);
    }

    String quiet = Command.run("resume", out, "--quiet").succeeded();
    assertTrue(quiet.strip().startsWith("network "), quiet);
  }

  /** Each method, and combinations of its parts, runs to its end and says what it was. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--method=single-path",
        "--method=random",
        "--policy=gates-reinforce --objective=mul-log",
        "--method=tunas --supernet=multi-path --cost=macs --budget=4M --optimizer=rmsprop",
        "--method=proxyless-r --supernet=collapsed --cost=parameters --budget=150k"
            + " --objective=hard",
        "--method=la-darts --cost=macs --budget=12M --second-order",
        "--method=la-pc-darts --objective=add-linear --budget=0.3ms",
      })
  void otherMethodsRunToo(String options) throws Exception {
    Path out = directory.resolve("run");
    List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
    arguments.addFirst("search");
    if (options.contains("la-pc-darts")) {
      arguments.add("--table=" + cheapPredictor(directory.resolve("cells.csv")));
    } else if (!options.contains("--budget")) {
      arguments.add("--budget=" + CheapTable.budget());
      arguments.add("--table=" + CheapTable.write(directory.resolve("table.json")));
    }
    arguments.addAll(
        List.of(
            "--data=builtin:120",
            "--out=" + out,
            "--batch=24",
            "--warmup-epochs=1",
            "--epochs=1",
            "--retrain-epochs=1",
            "--architecture-interval=1",
            "--architecture-rate=0.1",
            "--samples=2",
            "--random-samples=1",
            "--rate=0.02",
            "--threads=1"));
    String printed = Command.run(arguments.toArray()).succeeded();
    String run = Files.readString(out.resolve("run.json"));
    for (String option : options.split(" ")) {
      String value = option.substring(option.indexOf('=') + 1);
      if (option.contains("=") && !option.startsWith("--budget")) {
        String constant = value.toUpperCase(Locale.ROOT).replace('-', '_');
        assertTrue(
            run.contains("\"" + value + "\"") || run.contains("\"" + constant + "\""),
            () -> option + " in " + run);
      }
    }
    assertTrue(Files.readString(out.resolve("report.html")).contains("</html>"));
    assertEquals(result(printed), result(Command.run("resume", out).succeeded()));
  }

  /** Random search is one of cells too, by what a predictor of them says. */
  @Test
  void randomSearchOfCells() throws Exception {
    Path out = directory.resolve("run");
    String printed =
        Command.run(
                "search",
                "--method=random",
                "--space=darts-small",
                "--table=" + cheapPredictor(directory.resolve("cells.csv")),
                "--budget=0.3ms",
                "--data=builtin:120",
                "--out=" + out,
                "--batch=24",
                "--warmup-epochs=0",
                "--epochs=1",
                "--retrain-epochs=1",
                "--random-samples=1",
                "--drop-path=0.2",
                "--threads=1")
            .succeeded();
    assertTrue(printed.contains("normal    2("), printed);
    assertTrue(Files.readString(out.resolve("run.json")).contains("\"predicted\""));
    assertTrue(Files.isRegularFile(out.resolve("predictor.safetensors")));
    assertEquals(result(printed), result(Command.run("resume", out).succeeded()));
  }

  /** 40 random cells of the small spaces that take 0.02 ms for each convolution. */
  private static Path cheapPredictor(Path file) {
    CellSpace space =
        new CellSpace(new Input(28, 28, 1), 10, 3, CellSpace.DARTS_OPS, 4, 3, 1, false);
    List<Genotype> genotypes = new CellLatencies(space, 16, 4, 2, 1, 1).sample(40, 1);
    double[] ms =
        genotypes.stream()
            .mapToDouble(
                genotype ->
                    0.1
                        + 0.02
                            * Stream.of(genotype.normal(), genotype.reduction())
                                .flatMap(List::stream)
                                .flatMap(node -> node.edges().stream())
                                .filter(edge -> edge.op().kind().ordinal() >= 4)
                                .count())
            .toArray();
    new CellSamples(space, 2, genotypes, ms).write(file);
    return file;
  }

  private static void evaluated(Path out) {
    String printed = Command.run("eval", "--model", out, "--data=builtin:400").succeeded();
    String accuracy = printed.lines().filter(l -> l.startsWith("accuracy")).findFirst().orElse("");
    String percent = accuracy.split("\\s+")[1];
    assertTrue(Double.parseDouble(percent.replace("%", "")) <= 100, printed);
    assertTrue(printed.contains("p99"), printed);
  }

  /** As if another machine that shares the disk had it. */
  private static void heldElsewhere(Path out, String shown) throws Exception {
    Path owner = out.resolve("owner.json");
    String json = Files.readString(owner);
    Files.writeString(
        owner,
        json.replaceFirst("\"host\": \"[^\"]*\"", "\"host\": \"elsewhere\"")
            .replace("released", "held"));
    Command.run("resume", out).refused(out, "on host elsewhere since ", "--take-over");
    assertEquals(shown, result(Command.run("resume", out, "--take-over").succeeded()));
  }

  private static void damaged(Path out) throws Exception {
    Path state = out.resolve("checkpoint/state.safetensors");
    byte[] whole = Files.readAllBytes(state);
    byte[] flipped = whole.clone();
    flipped[whole.length - 5] ^= 4;
    Files.write(state, flipped);
    Command.run("resume", out).refused(state);
    Files.write(state, java.util.Arrays.copyOf(whole, whole.length / 2));
    Command.run("resume", out).refused(state);
    Files.write(state, whole);

    Path run = out.resolve("run.json");
    String text = Files.readString(run);
    for (String[] change :
        new String[][] {
          {"\"size\": 64", "\"size\": -1", "batch"},
          {"\"size\": 64", "\"size\": \"many\"", "config"},
          {"\"gates\": \"RECOMPUTE\"", "\"gates\": \"NONE\"", "gates"},
          {"\"sextant-run/2\"", "\"sextant-run/3\"", "format"},
          {"\"threads\": 1", "\"threads\": []", "run.json"},
          {"\"device\"", "\"devise\"", "device"},
          {"{", "{{", "not JSON"}
        }) {
      assertTrue(text.contains(change[0]), change[0]);
      String changed = text.replace(change[0], change[1]);
      Files.writeString(run, changed);
      Command.run("resume", out).refused(run, changed.startsWith("{{") ? "not JSON" : "");
      if (!changed.startsWith("{{")) {
        // As one who knows about checksums would change it.
        changed =
            SealedJson.write(
                JsonParser.parseString(changed).getAsJsonObject(), JsonObject::toString, "");
      }
      Files.writeString(run, changed);
      Command.run("resume", out).refused(run, change[2]);
    }
    Files.writeString(run, text);
  }

  /** What is printed after the progress: the network and the table of results. */
  private static String result(String printed) {
    int start = printed.indexOf("network   ");
    assertFalse(start < 0, printed);
    return printed.substring(start);
  }

  private static Set<String> names(Path folder) throws Exception {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }
}
