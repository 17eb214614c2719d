package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("machine-text")
class YamlTableTest {
  private static final String BLOCK =
      "expanded_conv-input:28x28x24-output:28x28x24-expand:96-kernel:5-stride:1-idskip:1";

  @TempDir private Path folder;

  private LatencyTable read(String text) throws IOException {
    Path file = folder.resolve("table.yaml");
    Files.writeString(file, text);
    return LatencyFiles.read(file);
  }

  /** As PyYAML writes it, in a block or in braces. */
  @Test
  void readsTheTablesOfProxylessNas() throws IOException {
    LatencyTable table =
        read(
            """
            Conv-input:224x224x3-output:112x112x32: {count: 982, mean: 4.083755600814664, var: 0.25}
            Conv_1-input:7x7x320-output:7x7x1280:
              count: 982
              mean: 3.088623217922607
              var: 0.19
            Logits-input:7x7x1280-output:1000: {count: 982, mean: 0.3096, var: 0.05}
            expanded_conv-input:113x113x16-output:57x57x24-expand:3-kernel:5-stride:2-idskip:0: {count: 159, mean: 7.5, var: 0.1}
            """);
    assertEquals(
        4.083755600814664,
        table.ms(new Conv(3, 2, 1, 32, true, Activation.RELU6), Shape.of(1, 224, 224, 3)));
    assertEquals(
        3.088623217922607,
        table.ms(new Conv(1, 1, 1, 1280, true, Activation.RELU6), Shape.of(1, 7, 7, 320)));
    assertEquals(0, table.ms(new GlobalAvgPool(), Shape.of(1, 7, 7, 1280)));
    assertEquals(0.3096, table.ms(new Linear(1000), Shape.of(1, 1280)));
    MbConv block = new MbConv(5, 2, 3, 24, Activation.RELU6, 0, false);
    assertEquals(7.5, table.ms(block, Shape.of(1, 113, 113, 16)));
    assertEquals(
        159,
        table.entries().get(new Key(block, Shape.of(1, 113, 113, 16)).withoutActivation()).count());
  }

  /** Its widths are absolute, and the activation is a part of the key. */
  @Test
  void readsTheTablesOfOnceForAll() throws IOException {
    LatencyTable table =
        read(
            BLOCK
                + "-se:1-hs:0: {mean: 0.5, std: 0.1}\n"
                + BLOCK
                + "-se:0-hs:1: {mean: 0.75, std: 0.1, count: 4}\n"
                + "AvgPool2D-input:7x7x960-output:1x1x960: {mean: 0.25}\n"
                + "Conv_2-input:1x1x960-output:1x1x1280: {mean: 0.125}\n");
    Shape image = Shape.of(1, 28, 28, 24);
    assertEquals(0.5, table.ms(new MbConv(5, 1, 4, 24, Activation.RELU, 0.25, true), image));
    assertEquals(0.75, table.ms(new MbConv(5, 1, 4, 24, Activation.HSWISH, 0, true), image));
    assertThrows(
        SextantException.class,
        () -> table.ms(new MbConv(5, 1, 4, 24, Activation.RELU, 0, true), image));
    assertEquals(0.25, table.ms(new GlobalAvgPool(), Shape.of(1, 7, 7, 960)));
    assertEquals(0.125, table.ms(new Linear(1280, Activation.HSWISH), Shape.of(1, 960)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          - a                                               | line 1: not a map
          K: [1]                                            | line 1: not a map
          K: {mean: {a: 1}}                                 | line 1: not a map
          K: &a {mean: *a}                                  | line 1: not a map
          K: {count: 1}                                     | line 1: mean is missing
          K: {mean: fast}                                   | line 1.mean_ms: 'fast' is not a number
          K: {mean: -1}                                     | line 1: latency: -1.0 ms
          K: {mean: 1, mean: 2}                             | line 1: a name is given twice
          K: !!python/object/apply:os.system [ls]           | line 1: not a map
          Conv_9-input:7x7x3-output:7x7x4: {mean: 1}        | line 1: type 'Conv_9' is unknown
          Conv_1-input:7x7x3-output:5x5x4: {mean: 1}        | line 1: conv 1x1 s2 gives
          Conv_1-input:0x7x3-output:5x5x4: {mean: 1}        | line 1:
          K-se:1-hs:1: {mean: 1}~K-se:1-hs:1: {mean: 1}     | line 2: a second entry
          half: {mean: 1}                                   | line 1: not a layer
          '{'                                               | no YAML
          {}                                                | has no entries
          K-se:1-hs:1: {mean: 1}~---~K: {mean: 1}           | line 2: not a map
          """)
  void whatIsWrongIsSaidInOneSentence(String text, String says) {
    String yaml = text.replace("~", "\n").replaceAll("(?<!\\w)K", BLOCK);
    String message =
        String.valueOf(assertThrows(SextantException.class, () -> read(yaml)).getMessage());
    assertTrue(message.contains("table.yaml: ") && message.contains(says), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void deepOnesAreRefusedAtOnce() {
    for (String hostile : new String[] {"[", "{a: ", "- ", "? ", "&a [*a,"}) {
      assertTimeout(
          Duration.ofSeconds(5),
          () -> assertThrows(SextantException.class, () -> read(hostile.repeat(1_000_000))),
          hostile);
    }
  }
}
