package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architectures;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("machine-text")
class DescribeCommandTest {
  /** The first rows and the columns of ProxylessNAS's table, with round numbers. */
  private static final String PIXEL =
      """
      type,in_h,in_w,in_c,out_h,out_w,out_c,expand,kernel,stride,idskip,mean_ms,var,count
      Conv,32,32,3,16,16,8,,,,,4.5,0.25,982
      Conv_1,16,16,8,16,16,64,,,,,3.25,0.19,982
      Logits,16,16,64,,,10,,,,,0.5,0.02,982
      expanded_conv,16,16,8,16,16,8,3,5,1,1,2.125,0.1,160
      """;

  private static final String NETWORK =
      """
      {"format": "sextant-architecture/1", "name": "four", "classes": 10,
       "input": {"height": 32, "width": 32, "channels": 3},
       "layers": [
         {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
         {"op": "mbconv", "kernel": 5, "expand": 3, "stride": 1, "out": 8},
         {"op": "conv", "kernel": 1, "out": 64, "norm": "batch", "act": "relu6"},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
      """;

  @TempDir private Path directory;

  @Test
  void withoutAnArgumentTheNamesAreListed() {
    String text = Command.run("describe").succeeded();
    SearchSpace.names().forEach(name -> assertTrue(text.contains(name), name));
    Architectures.names().forEach(name -> assertTrue(text.contains(name), name));
    JsonObject json = json(Command.run("describe", "--format=json"));
    assertEquals(SearchSpace.names().size(), json.getAsJsonArray("spaces").size());
    assertEquals(Architectures.names().size(), json.getAsJsonArray("architectures").size());
  }

  @Test
  void publishedCountsAndOtherImages() {
    String text = Command.run("describe", "proxyless-cpu").succeeded();
    assertTrue(text.contains("total: 4,361,648 parameters, 439,243,864 MACs"), text);
    JsonObject json =
        json(
            Command.run(
                "describe", "proxyless-cpu", "--format=json", "--input=28x28x1", "--classes=7"));
    assertEquals(7, json.get("classes").getAsInt());
    assertEquals(1, json.getAsJsonObject("input").get("channels").getAsInt());
  }

  /** Two of one name: each is reached by its own option. */
  @Test
  void spacesOfCells() {
    String text = Command.run("describe", "--space=pc-darts-cifar").succeeded();
    assertTrue(text.contains("weights of edges: 299,578 parameters"), text);
    assertTrue(
        Command.run("describe", "darts-cifar").succeeded().contains(": 1,930,618 parameters"));
    String network = Command.run("describe", "--architecture=pc-darts-cifar").succeeded();
    assertTrue(network.contains("total: "), network);
    JsonObject json = json(Command.run("describe", "darts-cifar", "--format=json"));
    assertEquals(1_930_618, json.get("supernet-parameters").getAsLong());
    assertEquals("cells", json.get("kind").getAsString());
  }

  /** The published network of 3.3 million parameters; smaller ones of its cells; no others. */
  @Test
  void genotypesAreNetworks() throws Exception {
    Path text =
        Files.writeString(
            directory.resolve("genotypes.py"),
            """
            DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
              ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0),
              ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5],
              reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2),
              ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2),
              ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])
            """);
    String whole = Command.run("describe", text).succeeded();
    assertTrue(whole.contains("DARTS_V2") && whole.contains("3,349,342 parameters"), whole);
    JsonObject small =
        json(Command.run("describe", text, "--width=8", "--depth=3", "--format=json"));
    assertEquals(6, small.getAsJsonArray("layers").size());
    Command.run("describe", "darts-v2", "--width=8").refused("width, depth: of a genotype's text");
    Files.writeString(text, "Genotype(normal=[('none', 0)])");
    Command.run("describe", text).refused("normal[0]: no op is named none here");
  }

  @Test
  void pixelRowsPriceAnArchitecture() throws Exception {
    Path table = Files.writeString(directory.resolve("pixel.csv"), PIXEL);
    Path network = Files.writeString(directory.resolve("four.json"), NETWORK);
    JsonObject json = json(Command.run("describe", network, "--table", table, "--format=json"));
    assertEquals(4.5 + 2.125 + 3.25 + 0.5, json.get("predicted-ms").getAsDouble(), 1e-12);
    assertEquals(
        2.125,
        json.getAsJsonArray("layers").get(1).getAsJsonObject().get("ms").getAsDouble(),
        1e-12);
    String text = Command.run("describe", network, "--table", table).succeeded();
    assertTrue(text.contains("predicted latency: 10.3750 ms"), text);

    Files.writeString(
        table, PIXEL.replace("expanded_conv,16,16,8,16,16,8,3", "expanded_conv,16,16,8,16,16,8,6"));
    Command.run("describe", network, "--table", table)
        .refused("no entry for mbconv 5x5 e3 16x16x8", "pixel.csv");
    Files.writeString(table, PIXEL.replace("4.5", "4,5"));
    Command.run("describe", network, "--table", table).refused(table, "line 2");
    Files.writeString(table, PIXEL.replace("Conv_1", "Convolution"));
    Command.run("describe", network, "--table", table).refused(table, "line 3", "Convolution");
    Command.run("describe", network, "--table", directory.resolve("none.csv"))
        .refused("none.csv", "no such file");
  }

  /** The sums of the published table: shared/reference of the table's origin, to four digits. */
  @Test
  void thePublishedPixelTable() {
    Path table = sharedTable();
    LatencyTable latencies = LatencyFiles.read(table);
    Space space = Space.named("proxyless-imagenet");
    int[] decisions = new int[space.choices().size()];
    assertEquals(76.0481, latencies.predict(space.derive(decisions)), 5e-5);
    assertEquals(29.6088, latencies.costs(space).minimum(), 5e-5);
    String text = Command.run("describe", "proxyless-imagenet", "--table", table).succeeded();
    assertTrue(text.contains("predicted latency: 29.6088 to "), text);
  }

  private static Path sharedTable() {
    String name = "latency/proxyless-pixel1.csv";
    String property = System.getProperty("sextant.data");
    if (property != null) {
      return Path.of(property, name);
    }
    for (Path above = Path.of("").toAbsolutePath(); above != null; above = above.getParent()) {
      Path file = above.resolve("shared/data").resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    Assumptions.abort("no shared/data/" + name + " (set -Dsextant.data=DIR)");
    throw new AssertionError();
  }

  @Test
  void wrongFilesAreNamedWithThePath() throws Exception {
    Path space = directory.resolve("space.json");
    String text = CheapTable.space().toJson();
    Files.writeString(space, text);
    Command.run("describe", space).succeeded();
    Files.writeString(space, text.replaceFirst("\"kernel\": \\d", "\"kernel\": 4"));
    Command.run("describe", space).refused(space, "layers[0].kernel: 4 is even");
    Files.writeString(space, text.replaceFirst("\"kernel\"", "\"kernle\""));
    Command.run("describe", space).refused(space, "layers[0]", "kernle");
    Files.writeString(space, text.substring(0, text.length() / 2));
    Command.run("describe", space).refused(space, "not JSON");
    Files.write(space, new byte[] {(byte) 0xff, 0, 1});
    Command.run("describe", space).refused(space, "UTF-8");
    Files.writeString(space, "[".repeat(100_000));
    Command.run("describe", space).refused(space);
    Command.run("describe", directory).refused(directory);
    Command.run("describe", "none").refused("\"none\"");
    Command.run("describe", "proxyless-cpu", "--input=28x28").refused("'28x28'");
    Command.run("describe", "proxyless-cpu", "--classes=0").refused("linear: out 0");
  }

  private static JsonObject json(Command command) {
    return JsonParser.parseString(command.succeeded()).getAsJsonObject();
  }
}
