package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Eq. 10 to 12 by numbers computed by hand, and with the published table. */
class RuntimeModelTest {
  /** Blocks of all combinations, kernels first, and skip. */
  private static Space space(int[] kernels, int[] expansions) {
    List<Layer> candidates = new ArrayList<>();
    for (int kernel : kernels) {
      for (int expand : expansions) {
        candidates.add(new MbConv(kernel, 1, expand, 4, Activation.RELU, 0, true));
      }
    }
    candidates.add(new Skip());
    return new Space(
        "nested",
        2,
        new Architecture.Input(4, 4, 4),
        1e-3,
        List.of(
            new Position.Choice(candidates),
            new Position.Fixed(new GlobalAvgPool()),
            new Position.Fixed(new Linear(2))));
  }

  private static RuntimeModel model(Space space, double... costs) {
    return new RuntimeModel(new ExpectedCost(5, new double[][] {costs}), NestedChoice.of(space));
  }

  /**
   * 3x3-3 2 ms, 3x3-6 3 ms, 5x5-3 2.5 ms, 5x5-6 4 ms, the rest 5 ms. Gates: shell, layer, second
   * half.
   */
  @Test
  void byHand() {
    RuntimeModel model = model(space(new int[] {3, 5}, new int[] {3, 6}), 2, 3, 2.5, 4, 0);
    assertEquals(5 + 4, model.of(new double[][] {{1, 1, 1}}), 1e-12);
    assertEquals(5 + 2.5, model.of(new double[][] {{1, 1, 0}}), 1e-12);
    // Re = 4, R = 3 / 4 Re.
    assertEquals(5 + 3, model.of(new double[][] {{0, 1, 1}}), 1e-12);
    // Re = 2.5: not the 2 ms of the table but 3 / 4 of 2.5.
    assertEquals(5 + 1.875, model.of(new double[][] {{0, 1, 0}}), 1e-12);
    assertEquals(5, model.of(new double[][] {{1, 0, 1}}), 1e-12);
    double[][] gradient = new double[1][3];
    model.gradient(new double[][] {{1, 1, 1}}, gradient);
    // Re (1 - 3 / 4), all of it, 4 - 2.5.
    assertArrayEquals(new double[] {1, 4, 1.5}, gradient[0], 1e-12);
    model.gradient(new double[][] {{0, 1, 0}}, gradient);
    assertArrayEquals(new double[] {2.5 * 0.25, 1.875, 1.5 * 0.75}, gradient[0], 1e-12);
  }

  /** Three kernels and three expansions: exact along the largest of either, linear in each gate. */
  @Test
  void anyNesting() {
    int[] kernels = {3, 5, 7};
    int[] expansions = {2, 3, 6};
    Space space = space(kernels, expansions);
    double[] costs = {1, 1.6, 2, 1.4, 2, 3, 2.2, 3, 5, 0};
    RuntimeModel model = model(space, costs);
    NestedChoice choice = NestedChoice.of(space).getFirst();
    for (int j = 0; j < costs.length; j++) {
      double[] gates = new double[choice.gates()];
      for (int gate = 0; gate < gates.length; gate++) {
        gates[gate] = Math.max(0, choice.state(j, gate));
      }
      assertEquals(j, choice.decode(gates));
      boolean exact = j == 9 || j / 3 == 2 || j % 3 == 2;
      double expected = exact ? costs[j] : costs[6 + j % 3] * costs[j / 3 * 3 + 2] / costs[8];
      assertEquals(5 + expected, model.of(new double[][] {gates}), 1e-12);
    }
    Rng rng = new Rng(1);
    double[][] gates = {new double[choice.gates()]};
    Arrays.setAll(gates[0], gate -> rng.nextDouble());
    double[][] gradient = {new double[choice.gates()]};
    model.gradient(gates, gradient);
    for (int gate = 0; gate < choice.gates(); gate++) {
      double kept = gates[0][gate];
      gates[0][gate] = 1;
      double open = model.of(gates);
      gates[0][gate] = 0;
      double shut = model.of(gates);
      gates[0][gate] = kept;
      assertEquals(open - shut, gradient[0][gate], 1e-12);
    }
  }

  /** The published table with all blocks 3x3-3: 65.636 ms by these equations. */
  @Test
  void thePublishedTable() {
    JsonObject table =
        JsonText.parse(
            JsonText.readFile(LatencyFilesTest.shared("single-path-pixel1.json")),
            "single-path-pixel1.json");
    Space space = Space.named("single-path-imagenet");
    List<NestedChoice> choices = NestedChoice.of(space);
    double[][] costs = new double[choices.size()][];
    double[][] gates = new double[choices.size()][];
    double[][] open = new double[choices.size()][];
    double sum = 19.5999;
    for (int i = 0; i < costs.length; i++) {
      JsonObject block = table.get(Integer.toString(i + 1)).getAsJsonObject();
      costs[i] = new double[choices.get(i).size()];
      for (int j = 0; j < 4; j++) {
        costs[i][j] = block.get(Integer.toString(j)).getAsDouble();
      }
      gates[i] = new double[] {0, 1, 0};
      open[i] = new double[] {1, 1, 1};
      sum += costs[i][3];
    }
    RuntimeModel model = new RuntimeModel(new ExpectedCost(19.5999, costs), choices);
    assertEquals(65.636, model.of(gates), 5e-4);
    assertEquals(sum, model.of(open), 1e-9);
  }
}
