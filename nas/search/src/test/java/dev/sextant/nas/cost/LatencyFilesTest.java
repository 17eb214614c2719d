package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import de.siegmar.fastcsv.reader.CsvReader;
import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.cost.LatencyTable.Setting;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.CellNodes;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("machine-text")
class LatencyFilesTest {
  @TempDir private Path folder;

  private static final Shape INPUT = Shape.of(1, 8, 8, 16);

  private static Layer block(Activation activation, double squeeze) {
    return new MbConv(5, 1, 3, 16, activation, squeeze, true);
  }

  /** Numbers that a shorter decimal form would change, and a name that needs quoting. */
  private static LatencyTable table() {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    entries.put(new Key(block(Activation.RELU6, 0.25), INPUT), new Entry(1.0 / 3, 0.1 + 0.2, 57));
    entries.put(
        new Key(new Conv(3, 2, 1, 24, true, Activation.HSWISH), INPUT),
        new Entry(Double.MIN_NORMAL, 1e8 + 1e-7, 0));
    entries.put(new Key(new Linear(10), Shape.of(1, 16)), new Entry(0, 0, 9L << 40));
    Setting setting =
        new Setting("a \"quick\", 2-core\n# machine, ü", "sextant", "cpu", 2, 4, Percentile.P99);
    return new LatencyTable(setting, -0.1 / 3, 1.0 + Math.ulp(1.0), entries);
  }

  @Test
  void bothFormatsRoundTripExactly() {
    for (String name : new String[] {"table.json", "table.csv"}) {
      Path file = folder.resolve(name);
      LatencyFiles.write(table(), file);
      LatencyTable read = LatencyFiles.read(file);
      assertEquals(table(), read, name);
      assertEquals(
          new ArrayList<>(table().entries().keySet()), new ArrayList<>(read.entries().keySet()));
    }
  }

  /** A table as the first version wrote it, with every op that it knew. */
  @Test
  void tablesOfTheFirstVersionAreRead() throws IOException {
    String columns =
        "op,in_h,in_w,in_c,out_h,out_w,out_c,expand,kernel,stride,dilation,squeeze_excite,"
            + "activation,residual,ms,p90_ms,count\n";
    Path csv = folder.resolve("first.csv");
    Files.writeString(
        csv,
        "#{\"format\":\"sextant-latency/1\",\"machine\":\"m\",\"runtime\":\"r\",\"device\":\"cpu\","
            + "\"threads\":1,\"batch\":1,\"overhead_ms\":0.5,\"scale\":2}\n"
            + columns
            + "conv,8,8,16,4,4,24,0,3,2,1,0.0,hswish,false,1,1,1\n"
            + "mbconv,8,8,16,8,8,16,3,5,1,1,0.25,relu6,true,2,2,1\n"
            + "depthwise,8,8,16,8,8,16,0,3,1,2,0.0,,false,3,3,1\n"
            + "max-pool,8,8,16,8,8,16,0,3,1,1,0.0,,false,4,4,1\n"
            + "global-avg-pool,8,8,16,1,1,16,0,0,1,1,0.0,,false,5,5,1\n"
            + "linear,1,1,16,1,1,10,0,0,1,1,0.0,,false,6,6,1\n"
            + "sum,8,8,16,8,8,16,0,0,1,1,0.0,,false,7,7,1\n"
            + "\"cell 2(separable 3x3 from 0, identity from 1), older [1,16,16,6]\","
            + "8,8,16,8,8,4,0,0,1,1,0.0,,false,8,8,1\n");
    LatencyTable table = LatencyFiles.read(csv);
    assertEquals(0.5, table.overheadMs());
    assertEquals(2, table.ms(new Conv(3, 2, 1, 24, false, Activation.HSWISH), INPUT));
    assertEquals(4, table.ms(block(Activation.RELU6, 0.25), INPUT));
    assertEquals(6, table.ms(new Depthwise(3, 1, 2, true, Activation.RELU), INPUT));
    assertEquals(8, table.ms(new Pool(true, 3, 1), INPUT));
    assertEquals(10, table.ms(new GlobalAvgPool(), INPUT));
    assertEquals(12, table.ms(new Linear(10), Shape.of(1, 16)));
    assertEquals(14, table.ms(new Junction(Junction.Kind.SUM), INPUT));
    Cell cell =
        new Cell(
            CellNodes.parse("2(separable 3x3 from 0, identity from 1)"),
            4,
            1,
            new Cell.Older(6, true));
    assertEquals(16, table.ms(cell, INPUT));
    Path json = folder.resolve("second.json");
    LatencyFiles.write(table, json);
    assertEquals(table, LatencyFiles.read(json));
    Files.writeString(csv, columns + "warp,8,8,16,8,8,16,0,3,1,1,0.0,,false,4,4,1\n");
    assertError(csv, "line 2: op 'warp' is unknown");
    Files.writeString(csv, columns + "conv,8,8,16,8,8,24,0,3,2,1,0.0,,false,4,4,1\n");
    assertError(csv, "line 2: gives [1,4,4,24] where the row has [1,8,8,24]");
  }

  /** What is wrong with the text of a table, after a replacement in it, and where. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "json | \"sextant-latency/2\" | \"sextant-latency/3\" | format",
        "json | \"ms\": 0.3333333333333333 | \"ms\": -1 | entries[0]",
        "json | \"ms\": 0.3333333333333333 | \"ms\": \"NaN\" | entries[0]",
        "json | \"ms\": 0.3333333333333333 | \"ms\": \"fast\" | entries[0]",
        "json | \"ms\": 0.3333333333333333 | \"ms\": null | entries[0].ms",
        "json | \"ms\": 0.3333333333333333 | \"ms\": [1] | entries[0].ms",
        "json | \"ms\": 0.3333333333333333 | \"milliseconds\": 1 | entries[0].ms: is missing",
        "json | \"count\": 0 | \"count\": -3 | entries[1]",
        "json | \"input\": \"8x8x16\" | \"input\": \"8x8.5x16\" | entries[0]",
        "json | \"input\": \"8x8x16\" | \"input\": \"8x8\" | entries[0]",
        "json | \"kernel\": 5 | \"kernel\": 4 | entries[0].layer: kernel: 4 is even",
        "json | \"op\": \"mbconv\" | \"op\": \"mbcov\" | entries[0].layer: op: \"mbcov\" is not one"
            + " of",
        "json | \"p90_ms\": 0.30000000000000004 | \"p90_ms\": 1e400 | entries[0]",
        "json | \"scale\": 1.0000000000000002 | \"scale\": 0 | scale",
        "json | \"scale\": 1.0000000000000002 | \"scale\": \"one\" | scale: is not a number",
        "json | \"threads\": 2 | \"threads\": null | threads: is missing",
        "json | \"entries\": [ | \"entries\": [ 7, | entries[0]: is not an object",
        "json | \"entries\": [ | \"entries\": { | not JSON",
        "csv | 0.3333333333333333 | -1 | line 3",
        "csv | 0.3333333333333333 | fast | line 3",
        "csv | 8x8x16 | 8xx16 | line 3",
        "csv | layer,input | layer,output | line 3: column input is missing",
        "csv | \"overhead_ms\" | \"overhead\" | overhead_ms: is missing",
      })
  void damagedTablesAreNamedWithThePlace(
      String format, String replaced, String replacement, String place) throws IOException {
    Path file = folder.resolve("table." + format);
    LatencyFiles.write(table(), file);
    String text = Files.readString(file);
    assertTrue(text.contains(replaced), text);
    Files.writeString(
        file,
        text.substring(0, text.indexOf(replaced))
            + replacement
            + text.substring(text.indexOf(replaced) + replaced.length()));
    assertError(file, file.toString(), place);
  }

  private static void assertError(Path file, String... parts) {
    String message =
        assertThrows(SextantException.class, () -> LatencyFiles.read(file)).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), () -> message + " should say " + part);
    }
  }

  /** As Excel saves the table in a country of decimal commas. */
  @Test
  void aTableThatASpreadsheetSaved() throws IOException {
    Path file = folder.resolve("table.csv");
    LatencyFiles.write(table(), file);
    String text = Files.readString(file);
    Files.writeString(file, "\uFEFF" + text.replace("\n", "\r\n"));
    assertEquals(table().entries(), LatencyFiles.read(file).entries());
    int end = text.indexOf('\n');
    String comment = "\"" + text.substring(0, end).replace("\"", "\"\"") + "\";;;";
    StringBuilder cells = new StringBuilder("\r\n");
    CsvReader.builder()
        .ofCsvRecord(text.substring(end + 1))
        .forEach(
            record ->
                cells
                    .append(
                        record.getFields().stream()
                            .map(cell -> cell.matches("[-0-9.E]+") ? cell.replace('.', ',') : cell)
                            .map(cell -> cell.equals("true") ? "TRUE" : cell)
                            .map(cell -> '"' + cell.replace("\"", "\"\"") + '"')
                            .collect(Collectors.joining(";")))
                    .append("\r\n"));
    Files.writeString(file, "\uFEFF" + comment + cells);
    LatencyTable read = LatencyFiles.read(file);
    assertEquals(table().entries(), read.entries());
    assertEquals(table().scale(), read.scale());
    assertEquals(table().setting(), read.setting());
  }

  @Test
  void truncatedAndForeignFilesAreErrors() throws IOException {
    for (String name : new String[] {"table.json", "table.csv"}) {
      Path file = folder.resolve(name);
      LatencyFiles.write(table(), file);
      byte[] whole = Files.readAllBytes(file);
      for (int length = 0; length < whole.length - 1; length += 37) {
        Files.write(file, Arrays.copyOf(whole, length));
        try {
          // A CSV that ends between two rows is one, with fewer rows.
          assertTrue(name.endsWith(".csv"), "read to " + length);
          assertTrue(LatencyFiles.read(file).entries().size() <= 3);
        } catch (SextantException e) {
          assertTrue(String.valueOf(e.getMessage()).startsWith(file.toString()));
        } catch (AssertionError e) {
          assertError(file, file.toString());
        }
      }
      Files.write(file, "\u0000\u00ff no table".getBytes(StandardCharsets.ISO_8859_1));
      assertError(file, file.toString());
    }
    assertError(folder.resolve("none.json"), "none.json", "no such file");
  }

  /** Threads of a table become those of a run. */
  @Test
  void numbersOfTheSettingAreBounded() throws IOException {
    Path file = folder.resolve("table.json");
    LatencyFiles.write(table(), file);
    String text = Files.readString(file);
    for (String number : new String[] {"0", "-1", "1.5", "1e9"}) {
      Files.writeString(file, text.replaceFirst("\"threads\": \\d+", "\"threads\": " + number));
      assertError(file, "threads: ", "is not between 1 and 1024");
    }
    Files.writeString(file, text.replaceFirst("\"batch\": \\d+", "\"batch\": 1e300"));
    assertError(file, "batch: 1.0E300 is not between 1 and 65536");
  }

  @Test
  void aSecondEntryForALayerIsAnError() throws IOException {
    Path file = folder.resolve("table.csv");
    LatencyFiles.write(table(), file);
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.add(lines.get(2));
    Files.write(file, lines);
    assertError(file, "line 6", "second entry", "mbconv 5x5 e3 se0.25 8x8x16");
  }

  @Test
  void layersAreFoundWithTheirActivationOrWithoutAny() {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    Key relu6 = new Key(block(Activation.RELU6, 0), INPUT);
    entries.put(relu6.withoutActivation(), new Entry(2, 2, 1));
    entries.put(new Key(block(Activation.HSWISH, 0), INPUT), new Entry(3, 3, 1));
    LatencyTable table =
        new LatencyTable(new Setting("laptop", "sextant", "cpu", 1, 1), 0.5, 10, entries);
    assertEquals(20, table.ms(block(Activation.RELU6, 0), INPUT));
    assertEquals(30, table.ms(block(Activation.HSWISH, 0), INPUT));
    assertEquals(0, table.ms(new Skip(), INPUT));
    String message =
        assertThrows(SextantException.class, () -> table.ms(block(Activation.RELU6, 0.25), INPUT))
            .getMessage();
    assertTrue(
        message.contains("laptop") && message.contains("mbconv 5x5 e3 se0.25 8x8x16"), message);
  }

  /** The published table, which lies here as CSV, is the same in the form it was published in. */
  @Test
  void thePixelTableIsTheSameAsCsvAndAsYaml() throws IOException {
    Path csv = shared("proxyless-pixel1.csv");
    String yaml =
        Files.readAllLines(csv).stream()
            .skip(1)
            .map(line -> line.split(",", -1))
            .map(
                c ->
                    String.format(
                        Locale.ROOT,
                        "%s-input:%sx%sx%s-output:%s%s%s: {count: %s, mean: %s, var: %s}%n",
                        c[0],
                        c[1],
                        c[2],
                        c[3],
                        c[4].isEmpty() ? "" : c[4] + "x" + c[5] + "x",
                        c[6],
                        c[7].isEmpty()
                            ? ""
                            : "-expand:"
                                + c[7]
                                + "-kernel:"
                                + c[8]
                                + "-stride:"
                                + c[9]
                                + "-idskip:"
                                + c[10],
                        c[13],
                        c[11],
                        c[12]))
            .collect(Collectors.joining());
    Path file = Files.writeString(folder.resolve("pixel.yaml"), yaml);
    assertEquals(LatencyFiles.read(csv).entries(), LatencyFiles.read(file).entries());
  }

  /** The published regression values of the ImageNet space on a Pixel 1. */
  @Test
  void thePixelTablePricesTheProxylessSpace() throws IOException {
    Path file = shared("proxyless-pixel1.csv");
    assertEquals(72, Files.readAllLines(file).size() - 1);
    LatencyTable table = LatencyFiles.read(file);
    // The row Logits stands for pooling and classifier.
    assertEquals(73, table.entries().size());
    Space space = Space.named("proxyless-imagenet");
    ExpectedCost cost = table.costs(space);
    assertEquals(11.364156, cost.sum().fixed(), 5e-7);
    assertEquals(29.6088, cost.minimum(), 5e-5);
    int[] smallKernels = new int[cost.sum().options().length];
    assertEquals(76.0481, cost.of(smallKernels), 5e-5);
    assertEquals(76.0481, table.predict(space.derive(smallKernels)), 5e-5);
  }

  /** All blocks 3x3-3 have 65.691 ms, and the published network 80.44 (measured: 79.48). */
  @Test
  void readsThePublishedSinglePathTable() {
    LatencyTable table = LatencyFiles.read(shared("single-path-pixel1.json"));
    ExpectedCost cost = table.costs(Space.named("single-path-imagenet"));
    assertEquals(65.691, cost.of(new int[20]), 5e-4);
    assertEquals(19.5999, cost.sum().fixed(), 1e-9);
    assertEquals(80.444, table.predict(Architectures.named("single-path-pixel1")), 5e-4);
  }

  @Test
  void aSinglePathTableWithoutABlockIsNamed() throws IOException {
    Path file = folder.resolve("blocks.json");
    Files.writeString(file, "{\"0\": {}, \"21\": {}}");
    String message =
        assertThrows(SextantException.class, () -> LatencyFiles.read(file)).getMessage();
    assertEquals(file + ": 1: is missing, of blocks 1 to 20", message);
    Files.writeString(file, "{\"0\": {}, \"1\": {\"0\": 1, \"1\": {}}, \"21\": {}}");
    message = assertThrows(SextantException.class, () -> LatencyFiles.read(file)).getMessage();
    assertEquals(file + ": 1.1: is no number", message);
  }

  /** In {@code sextant.data}, or in {@code shared/data} beside an ancestor of the directory. */
  static Path shared(String name) {
    String property = System.getProperty("sextant.data");
    if (property != null) {
      return Path.of(property, "latency", name);
    }
    Path here = Path.of("").toAbsolutePath();
    for (Path above = here; above != null; above = above.getParent()) {
      Path file = above.resolve("shared/data/latency").resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    Assumptions.abort("no shared/data/latency");
    throw new AssertionError();
  }
}
