package dev.sextant.nas.predict;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Cells, their encoding, and the predictor's error on the published latencies. */
@Tag("long")
final class NasBench201Test {
  /** Node 1 is fed but leads nowhere; the output comes through node 2. */
  private static final String DEAD_END =
      "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|avg_pool_3x3~2|";

  @TempDir Path directory;

  @Test
  void parsesAndFindsWhatMatters() {
    int[] ops = NasBench201.parse(DEAD_END);
    assertArrayEquals(new int[] {3, 1, 0, 0, 0, 4}, ops);
    assertArrayEquals(
        new boolean[] {false, true, false, false, false, true}, NasBench201.live(ops));
    assertTrue(NasBench201.isConnected(ops));
    assertFalse(
        NasBench201.isConnected(
            NasBench201.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|")));
  }

  @Test
  void encodesTheOpsAndThenThoseThatMatter() {
    float[] features = NasBench201.encode(NasBench201.parse(DEAD_END));
    float[] expected = new float[60];
    for (int one : new int[] {3, 5 + 1, 10, 15, 20, 25 + 4, 30, 35 + 1, 40, 45, 50, 55 + 4}) {
      expected[one] = 1;
    }
    assertArrayEquals(expected, features);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "|none~0|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~1|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|conv~2|",
        "|none~0|+|none~0|none~1|none~2|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none|"
      })
  void refusesOtherText(String cell) {
    assertThrows(SextantException.class, () -> NasBench201.parse(cell));
  }

  @Test
  void badFilesAreNamedWithTheLine() throws IOException {
    Path file = directory.resolve("cells.csv");
    Files.writeString(file, "arch,phone\n" + DEAD_END + ",1.5\n" + DEAD_END + ",slow\n");
    String message =
        assertThrows(SextantException.class, () -> NasBench201.read(file, "phone")).getMessage();
    assertTrue(message.contains("cells.csv: line 3: phone: 'slow'"), message);
    message =
        assertThrows(SextantException.class, () -> NasBench201.read(file, "tablet")).getMessage();
    assertTrue(message.contains("there is no column tablet (there are arch, phone)"), message);
  }

  /** Less than the full 12,000 samples, which {@code sextant predictor --csv} shows. */
  @ParameterizedTest
  @CsvSource({"raspi4, 0.11, 0.965", "gold_6226, 0.029, 0.985", "1080ti_1, 0.0195, 0.985"})
  void predictsPublishedLatenciesBetterThanATable(
      String device, double relativeError, double spearman) {
    LatencySamples.Split split = NasBench201.read(published(), device).split(0.8, 0);
    assertEquals(15_284, split.train().count() + split.test().count(), "connected cells");
    LatencySamples train = split.train().first(3000);
    try (LatencyPredictor predictor = LatencyPredictor.train(train, PredictorRecipe.DEFAULT, 0)) {
      PredictionError error = error(predictor.predict(split.test().features()), split.test());
      PredictionError table =
          error(LinearPredictor.fit(train).predict(split.test().features()), split.test());
      assertTrue(error.relative() < relativeError, error::toString);
      assertTrue(error.spearman() > spearman, error::toString);
      assertTrue(error.relative() < table.relative(), () -> error + " against " + table);
    }
  }

  private static PredictionError error(double[] predicted, LatencySamples samples) {
    return PredictionError.of(predicted, samples.ms());
  }

  private static Path published() {
    Path directory = Path.of("").toAbsolutePath();
    for (Path above = directory; above != null; above = above.getParent()) {
      Path file = above.resolve("shared/data/latency/nasbench201_latency_ms.csv");
      if (Files.exists(file)) {
        return file;
      }
    }
    System.out.println("skipped: no shared/data/latency/nasbench201_latency_ms.csv");
    Assumptions.abort("no shared/data/latency/nasbench201_latency_ms.csv");
    throw new AssertionError();
  }
}
