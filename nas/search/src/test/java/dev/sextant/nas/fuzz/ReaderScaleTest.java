package dev.sextant.nas.fuzz;

import static dev.sextant.nas.fuzz.Grammar.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.RestoredRun;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.json.JsonText;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Large files: whatever is read takes memory in proportion to the file, by the constants that stand
 * here, and no more than two seconds of processor time.
 */
@Tag("long")
class ReaderScaleTest {
  /**
   * Stages of a run and tensors of a file: so many times as many, {@code -Dsextant.fuzz.scale=8}.
   */
  private static final int SCALE = Integer.getInteger("sextant.fuzz.scale", 1);

  @TempDir Path folder;

  private void check(String name, long perByte, byte[] input, Target.Reader reader) {
    Judge judge = new Judge();
    judge.read(new Target(name, List.of(), Grammar.BYTES, reader, 4 << 20, perByte), input);
    assertEquals(0, judge.refused, () -> name + " is refused: " + judge.said);
    System.out.printf(
        Locale.ROOT,
        "%s: %.1f bytes for each of %d, %.2f s%n",
        name,
        (double) judge.most / input.length,
        input.length,
        judge.nanos * 1e-9);
  }

  private static byte[] joined(String before, int count, IntFunction<String> part, String after) {
    return bytes(
        IntStream.range(0, count).mapToObj(part).collect(Collectors.joining(",", before, after)));
  }

  private Path write(String name, byte[] input) throws IOException {
    return Files.write(folder.resolve(name), input);
  }

  @Test
  void longKeysOfJson() {
    byte[] keys = bytes("{\"" + "k".repeat(500_000) + "\":[" + "1,".repeat(200_000) + "1]}");
    check("key", 200, keys, input -> JsonText.parse(Grammar.text(input), "keys.json"));
    byte[] fields = joined("{", 50_000, i -> "\"field" + i + "\":{\"a\":null}", "}");
    check("fields", 200, fields, input -> JsonText.parse(Grammar.text(input), "fields.json"));
  }

  @Test
  void networksOfTenThousandLayers() {
    String head =
        """
        {"format":"sextant-architecture/1","name":"n","classes":2,\
        "input":{"height":8,"width":8,"channels":8},"layers":[\
        """;
    byte[] layers =
        joined(
            head,
            9_000,
            i -> "{\"op\":\"mbconv\",\"kernel\":3,\"expand\":3,\"out\":8,\"act\":\"relu6\"}",
            ",{\"op\":\"global-avg-pool\"},{\"op\":\"linear\",\"out\":2}]}");
    check("layers", 200, layers, input -> Architecture.parse(Grammar.text(input), "n.json"));
    byte[] choices =
        joined(
            head.replace("architecture", "space"),
            5_000,
            i ->
                "{\"choice\":[{\"op\":\"mbconv\",\"kernel\":3,\"expand\":3,\"act\":\"relu6\"},"
                    + "{\"op\":\"skip\"}]}",
            ",{\"op\":\"global-avg-pool\"},{\"op\":\"linear\",\"out\":2}]}");
    check("choices", 300, choices, input -> SearchSpace.parse(Grammar.text(input), "n.json"));
  }

  @Test
  void tensorsWithoutElements() {
    byte[] header =
        joined(
            "{",
            200_000 * SCALE,
            i -> "\"t" + i + "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
            "}");
    ByteBuffer file = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    check("tensors", 30, file.array(), input -> Weights.read(write("t.safetensors", input)));
  }

  @Test
  void rowsOfTables() {
    byte[] rows = joined("layer,op,coef_ms\nbias,,1\n", 1, i -> rows(60_000), "");
    check("linear", 120, rows, input -> LinearCost.read(write("l.csv", input)));
    check("csv", 100, rows, input -> CsvTable.parse(new String(input, StandardCharsets.UTF_8)));
    byte[] table =
        joined(
            """
            {"format":"sextant-latency/2","machine":"m","runtime":"sextant","device":"cpu",\
            "threads":1,"batch":1,"overhead_ms":0,"scale":1,"entries":[\
            """,
            10_000,
            i ->
                "{\"layer\":{\"op\":\"mbconv\",\"kernel\":3,\"expand\":6,\"out\":"
                    + (i + 1)
                    + ",\"act\":\"relu6\"},\"input\":\"8x8x16\",\"older\":\"\",\"ms\":0.5,"
                    + "\"p90_ms\":0.6,\"count\":9}",
            "]}");
    check("table", 300, table, input -> LatencyFiles.read(write("t.json", input)));
  }

  private static String rows(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "choice" + i / 7 + ",mb k3 e" + i + ",1.5\n")
        .collect(Collectors.joining());
  }

  @Test
  void eventsOfMoreStagesThanARunHas() throws IOException {
    RunDirectory run = new RunDirectory(folder.resolve("run"));
    try (RestoredRun _ = new RestoredRun(run)) {
      SearchSetup setup = new RunFile(run).read();
      new RunFile(run).write(setup.with(setup.config().withRandomSamples(100_000 * SCALE)));
      Targets.makeOlder(run);
    }
    StringBuilder events = new StringBuilder();
    for (int i = 1; i <= 40_000 * SCALE; i++) {
      events
          .append("{\"event\":\"epoch\",\"stage\":\"random-")
          .append(i)
          .append("\",\"epoch\":1,\"loss\":1.5,\"accuracy\":0.5}\n");
    }
    check(
        "events",
        600,
        bytes(events.toString()),
        input -> {
          Files.write(run.events(), input);
          Report.write(run);
        });
  }
}
