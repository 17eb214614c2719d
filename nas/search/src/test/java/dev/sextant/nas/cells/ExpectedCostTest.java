package dev.sextant.nas.cells;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The encoding of cells and the expected costs of what architecture parameters stand for. */
@Tag("long")
final class ExpectedCostTest {
  private static final Input CIFAR = new Input(32, 32, 3);
  private static final CellSpace DARTS = CellSpace.darts(CIFAR, 10);

  /** Bits 8 e + k: edge e, op k in DARTS's order. */
  @Test
  void encodesDartsV2ByHand() {
    float[] expected = new float[112];
    int[] bits = {
      0 * 8 + 4, 1 * 8 + 4, // node 2: sep3 from 0 and 1
      2 * 8 + 4, 3 * 8 + 4, // node 3: sep3 from 0 and 1
      6 * 8 + 4, 5 * 8 + 3, // node 4: sep3 from 1, skip from 0
      9 * 8 + 3, 11 * 8 + 6 // node 5: skip from 0, dil3 from 2
    };
    for (int bit : bits) {
      expected[bit] = 1;
    }
    assertArrayEquals(expected, CellEncoding.encode(DARTS, Genotype.DARTS_V2.normal()));
  }

  @Test
  void refusesCellsOfOtherSpaces() {
    List<Node> nodes = new ArrayList<>(Genotype.DARTS_V2.normal());
    nodes.set(0, new Node(List.of(new Edge(0, new Op(Kind.SEPARABLE, 7)))));
    assertThrows(SextantException.class, () -> CellEncoding.encode(DARTS, nodes));
    assertThrows(SextantException.class, () -> CellEncoding.encode(DARTS, nodes.subList(0, 2)));
  }

  @Test
  void samplesTwoEdgesANodeByTheWeightsOfTheirOps() {
    CellParameters parameters = CellParameters.zeros(DARTS);
    for (double[] alphas : parameters.type(1).alphas()) {
      alphas[0] = 20; // never drawn all the same
      alphas[4] = Math.log(14); // seven ops, this one with 14 / 20
    }
    Rng rng = new Rng(1);
    int draws = 3000;
    int[] edges = new int[DARTS.edges()];
    int strong = 0;
    for (int i = 0; i < draws; i++) {
      float[] bits = CellEncoding.encode(DARTS, CellEncoding.sample(parameters, 1, rng));
      int ones = 0;
      for (int bit = 0; bit < bits.length; bit++) {
        if (bits[bit] == 1) {
          ones++;
          edges[bit / 8]++;
          strong += bit % 8 == 4 ? 1 : 0;
          assertTrue(bit % 8 != 0);
        }
      }
      assertEquals(8, ones);
    }
    assertEquals(0.7, strong / (8.0 * draws), 0.02);
    for (int node = 0; node < 4; node++) {
      for (int from = 0; from < node + 2; from++) {
        double share = (double) edges[CellSpace.firstEdge(node) + from] / draws;
        assertEquals(2.0 / (node + 2), share, 0.04);
      }
    }
  }

  /** Convolutions cost, and the second edge of a node costs more behind a convolution. */
  private static double latency(float[] bits) {
    double ms = 5;
    for (int bit = 0; bit < bits.length; bit++) {
      ms += bits[bit] * (bit % 8 >= 4 ? 1 + 0.1 * (bit % 8) : 0.1);
    }
    return ms + 2 * bits[4] * bits[8 + 4];
  }

  private static LatencyPredictor predictor() {
    CellParameters uniform = CellParameters.zeros(DARTS);
    Rng rng = new Rng(2);
    int count = 1500;
    float[] features = new float[count * 112];
    double[] ms = new double[count];
    for (int i = 0; i < count; i++) {
      float[] bits = CellEncoding.encode(DARTS, CellEncoding.sample(uniform, 1, rng));
      System.arraycopy(bits, 0, features, i * 112, 112);
      ms[i] = latency(bits);
    }
    return LatencyPredictor.train(
        new LatencySamples(112, features, ms), PredictorRecipe.DEFAULT, 3);
  }

  private static CellParameters random() {
    CellParameters parameters = CellParameters.zeros(DARTS);
    double[] values = parameters.values();
    Rng rng = new Rng(5);
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.7 * rng.nextGaussian();
    }
    parameters.set(values);
    return parameters;
  }

  @Test
  void expectedLatencyAndItsGradient() {
    try (LatencyPredictor predictor = predictor()) {
      CellParameters parameters = random();
      // The same random numbers draw the same edges, so that differences are of the ops alone.
      ExpectedLatency.Config many =
          new ExpectedLatency.Config(4000, ExpectedLatency.Gradient.SWAPPED, 0);
      ArchitectureCost.Estimate found =
          new ExpectedLatency(predictor, many, new Rng(9)).estimate(parameters);
      double[] gradient = found.gradient().values();
      double[] values = parameters.values();
      for (int i : new int[] {4, 8 + 4, 3, 5 * 8 + 5}) {
        double[] moved = values.clone();
        moved[i] += 0.5;
        parameters.set(moved);
        double up = new ExpectedLatency(predictor, many, new Rng(9)).estimate(parameters).value();
        moved[i] -= 1;
        parameters.set(moved);
        double down = new ExpectedLatency(predictor, many, new Rng(9)).estimate(parameters).value();
        parameters.set(values);
        assertEquals(up - down, gradient[i], 0.12 * Math.abs(up - down) + 0.01, "at " + i);
      }
      // Reduction cells and the op that is never sampled get none.
      assertEquals(0, gradient[0]);
      assertEquals(0, gradient[112]);
      // The paper's estimate agrees on what is slow: separable convolutions up, identity down.
      ArchitectureCost.Estimate slope =
          new ExpectedLatency(
                  predictor,
                  new ExpectedLatency.Config(400, ExpectedLatency.Gradient.PREDICTOR, 0),
                  new Rng(9))
              .estimate(parameters);
      assertTrue(slope.gradient().values()[4] > 0);
      assertTrue(slope.gradient().values()[3] < 0);
      assertEquals(found.value(), slope.value(), 0.2);
    }
  }

  /** A predictor of both types is asked about both cells, and both get gradients. */
  @Test
  void expectedLatencyOfBothCells() {
    CellParameters uniform = CellParameters.zeros(DARTS);
    Rng rng = new Rng(2);
    int count = 1500;
    float[] features = new float[count * 224];
    double[] ms = new double[count];
    for (int i = 0; i < count; i++) {
      Genotype genotype =
          new Genotype(CellEncoding.sample(uniform, 1, rng), CellEncoding.sample(uniform, 2, rng));
      float[] bits = CellEncoding.encode(DARTS, genotype, 2);
      System.arraycopy(bits, 0, features, i * 224, 224);
      float[] reduction = CellEncoding.encode(DARTS, genotype.reduction());
      assertArrayEquals(reduction, Arrays.copyOfRange(bits, 112, 224));
      ms[i] = 10;
      for (int bit = 0; bit < 112; bit++) {
        // Separable and dilated convolutions of the reduction cell alone cost.
        ms[i] += reduction[bit] * (bit % 8 >= 4 ? 1 : 0);
      }
    }
    try (LatencyPredictor predictor =
        LatencyPredictor.train(new LatencySamples(224, features, ms), PredictorRecipe.DEFAULT, 3)) {
      ArchitectureCost.Estimate found =
          new ExpectedLatency(
                  predictor,
                  new ExpectedLatency.Config(400, ExpectedLatency.Gradient.SWAPPED, 0),
                  new Rng(9))
              .estimate(uniform);
      // 8 edges, 4 of 7 ops a convolution each.
      assertEquals(10 + 8 * 4 / 7.0, found.value(), 0.3);
      double[] gradient = found.gradient().values();
      for (int edge = 0; edge < 14; edge++) {
        assertEquals(0, gradient[8 * edge + 4], 0.02, "normal edge " + edge);
        assertTrue(gradient[112 + 8 * edge + 4] > 0, "reduction edge " + edge);
        assertTrue(gradient[112 + 8 * edge + 3] < 0, "reduction edge " + edge);
      }
      // Edge 0 is kept for certain: p (c - mean c) = 1/7 (1 - 4/7) for a convolution.
      assertEquals(1 / 7.0 * 3 / 7.0, gradient[112 + 4], 0.012);
    }
  }

  @Test
  void noiseMovesTheEstimateLittle() {
    try (LatencyPredictor predictor = predictor()) {
      CellParameters parameters = random();
      ArchitectureCost.Estimate clean =
          new ExpectedLatency(predictor, ExpectedLatency.Config.DEFAULT, new Rng(1))
              .estimate(parameters);
      ArchitectureCost.Estimate noisy =
          new ExpectedLatency(
                  predictor,
                  new ExpectedLatency.Config(20, ExpectedLatency.Gradient.SWAPPED, 0.025),
                  new Rng(1))
              .estimate(parameters);
      assertEquals(clean.value(), noisy.value(), 0.05);
      assertTrue(clean.value() != noisy.value());
    }
  }

  @Test
  void expectedMacsAreExact() {
    CellParameters parameters = CellParameters.zeros(DARTS);
    for (double[] alphas : parameters.type(1).alphas()) {
      alphas[4] = 60; // separable 3x3 for certain
    }
    ExpectedMacs macs = ExpectedMacs.small(DARTS, 36, 20);
    Op separable = new Op(Kind.SEPARABLE, 3);
    Op pool = new Op(Kind.MAX_POOL, 3);
    List<Node> everywhere = new ArrayList<>();
    List<Node> pools = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      everywhere.add(new Node(List.of(new Edge(i, separable), new Edge(i + 1, separable))));
      pools.add(new Node(List.of(new Edge(0, pool), new Edge(1, pool))));
    }
    for (double[] alphas : parameters.type(2).alphas()) {
      alphas[1] = 60; // pooling
    }
    long exact = CellNetworks.small("n", new Genotype(everywhere, pools), CIFAR, 10, 36, 20).macs();
    assertEquals(exact / 1e6, macs.estimate(parameters).value(), 1e-6);
    CellParameters at = random();
    double[] values = at.values();
    double[] gradient = macs.estimate(at).gradient().values();
    for (int i = 0; i < 224; i += 5) {
      double[] moved = values.clone();
      moved[i] += 1e-4;
      at.set(moved);
      double up = macs.estimate(at).value();
      moved[i] -= 2e-4;
      at.set(moved);
      double down = macs.estimate(at).value();
      at.set(values);
      assertEquals((up - down) / 2e-4, gradient[i], 1e-4, "at " + i);
    }
  }
}
