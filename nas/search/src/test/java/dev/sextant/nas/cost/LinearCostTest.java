package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.space.Space;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("machine-text")
class LinearCostTest {
  @TempDir private Path folder;

  /** TuNAS's Pixel-1 model: 30.9361 ms for the smallest network. */
  @Test
  void thePublishedModelPricesItsSpace() {
    LinearCost model =
        LinearCost.read(LatencyFilesTest.shared("tunas-proxyless-pixel1-linear.csv"));
    Space space = Space.named("tunas-proxyless");
    ExpectedCost cost = model.costs(space);
    assertEquals(30.9361, cost.minimum(), 5e-5);
    assertEquals(CostUnit.MILLISECONDS, model.unit());
    Path copy = folder.resolve("cost.csv");
    model.write(copy);
    assertEquals(model, LinearCost.read(copy));
    String message =
        assertThrows(SextantException.class, () -> model.costs(Space.named("proxyless-imagenet")))
            .getMessage();
    assertTrue(message.contains("proxyless-imagenet"), message);
  }

  @Test
  void damagedModelsAreNamed() throws IOException {
    for (String[] wrong :
        new String[][] {
          {"layer,op,coef_ms\nbias,,1\nA,mb k3 e3,x\n", "'x'"},
          {"layer,op,coef_ms\nA,mb k3 e3,1\n", "no bias"},
          {"layer,op,coef_ms\nbias,,1\n", "no layer"},
          {"layer,op,coef_ms\nbias,,1\nA,a,1\nA,a,2\n", "second a"},
          {"layer,op,ms\nbias,,1\n", "coef_ms"},
          {"", "no linear model"},
          {"layer,op,coef_ms\nbias,,1\nA\n", "line 3: column coef_ms is missing"},
          {"layer,op,coef_ms\nbias,,1\nA,a,1e6\n", "line 3: 1000000.0 is no coefficient"},
        }) {
      Path file = Files.writeString(folder.resolve("wrong.csv"), wrong[0]);
      String message =
          assertThrows(SextantException.class, () -> LinearCost.read(file)).getMessage();
      assertTrue(message.contains("wrong.csv") && message.contains(wrong[1]), message);
    }
  }
}
