package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenotypeTextTest {
  /** As genotypes.py of DARTS has it. */
  private static final String DARTS_V2 =
      """
      DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), \
      ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), \
      ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), \
      ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), \
      ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])
      """;

  /** As train_search.py prints it. */
  private static final String PC_DARTS =
      "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0),"
          + " ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0),"
          + " ('dil_conv_3x3', 1)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1),"
          + " ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0),"
          + " ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],"
          + " reduce_concat=range(2, 6))";

  @TempDir private Path folder;

  @Test
  void publishedTextsAreThePublishedCells() {
    assertEquals(
        new GenotypeText("DARTS_V2", Genotype.DARTS_V2), GenotypeText.parse(DARTS_V2, "g"));
    assertEquals(new GenotypeText("", Genotype.PC_DARTS_CIFAR), GenotypeText.parse(PC_DARTS, "g"));
  }

  @Test
  void aFileIsAGenotypeOrNone() throws IOException {
    Path file = folder.resolve("genotypes.py");
    Files.writeString(file, "# found in 2018\n" + DARTS_V2);
    assertEquals("DARTS_V2", GenotypeText.read(file).orElseThrow().name());
    Files.writeString(file, "{\"name\": \"Genotype(\"}");
    assertEquals(Optional.empty(), GenotypeText.read(file));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          normal=              | abnormal=           | has normal, normal_concat
          skip_connect         | conv_7x1_1x7        | normal[1]: no op is named conv_7x1_1x7
          ', 3)                | ', 9)               | reduce: cell: node 4 has an edge from 9
          range(2, 6)          | range(3, 6)         | normal_concat: the output must be all nodes
          ], normal            | ,('x'), ], normal   | normal[8]: is no ('op', number of a node)
          ('avg_pool_3x3', 0), | #                   | normal: 7 edges
          reduce=              | normal=             | normal: is given twice
          Genotype(            | print(              | does not begin with
          """)
  void whatIsWrongIsSaidInOneSentence(String good, String bad, String says) {
    String text = PC_DARTS.replaceFirst(Pattern.quote(good), bad.equals("#") ? "" : bad);
    String message =
        String.valueOf(
            assertThrows(SextantException.class, () -> GenotypeText.parse(text, "g.py"))
                .getMessage());
    assertTrue(message.startsWith("g.py: ") && message.contains(says), message);
  }

  @Test
  void longTextsTakeNoLongTime() {
    String many = "Genotype(normal=[" + "('sep_conv_3x3', 0),".repeat(200_000);
    Assertions.assertTimeout(
        Duration.ofSeconds(5),
        () -> {
          assertThrows(SextantException.class, () -> GenotypeText.parse(many, "g"));
          assertThrows(
              SextantException.class, () -> GenotypeText.parse(" #".repeat(2_000_000), "g"));
        });
  }
}
