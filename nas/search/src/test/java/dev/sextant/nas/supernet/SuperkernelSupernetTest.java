package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Superkernels compute what each network alone would compute with its part of the weights. */
class SuperkernelSupernetTest {
  /** Three kernels, three expansions, skip; a choice of kernels alone, and one of expansions. */
  private static final Space SPACE =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "nested", "classes": 4,
           "input": {"height": 8, "width": 8, "channels": 3},
           "layers": [
             {"op": "conv", "kernel": 3, "out": 8},
             {"choice": [%s, {"op": "skip"}], "out": 8, "repeat": 2},
             {"choice": [{"op": "mbconv", "kernel": 5, "expand": 2},
                         {"op": "mbconv", "kernel": 3, "expand": 2}], "out": 12, "stride": 2},
             {"choice": [{"op": "mbconv", "kernel": 3, "expand": 2},
                         {"op": "mbconv", "kernel": 3, "expand": 3}, {"op": "skip"}]},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
          """
              .formatted(blocks()),
          "nested");

  private static String blocks() {
    List<String> blocks = new ArrayList<>();
    for (int kernel : new int[] {3, 5, 7}) {
      for (int expand : new int[] {2, 3, 5}) {
        blocks.add(
            "{\"op\": \"mbconv\", \"kernel\": %d, \"expand\": %d}".formatted(kernel, expand));
      }
    }
    return String.join(", ", blocks);
  }

  /** Thresholds of a supernet, and what open gates are. */
  private static final class Learned implements AutoCloseable {
    final List<Parameter> thresholds = new ArrayList<>();
    final float[][] scales;

    Learned(Backend backend, SuperkernelSupernet supernet, Rng rng) {
      scales = new float[supernet.choices().size()][];
      for (int i = 0; i < scales.length; i++) {
        int gates = supernet.choices().get(i).gates();
        float[] values = new float[gates];
        for (int gate = 0; gate < gates; gate++) {
          values[gate] = (float) (0.4 * rng.nextDouble());
        }
        Tensor tensor =
            backend.memory().keep(backend.memory().floats(Shape.of(gates), Category.WEIGHTS, "t"));
        backend.upload(values, 0, tensor);
        thresholds.add(new Parameter(tensor, Parameter.Role.KERNEL));
        scales[i] = new float[gates];
        Arrays.fill(scales[i], 1);
      }
    }

    float[] values(int choice) {
      return thresholds.get(choice).value().toArray();
    }

    @Override
    public void close() {
      for (Parameter parameter : thresholds) {
        parameter.clearGradient();
        parameter.value().close();
      }
    }
  }

  /** Whatever is decided: selected, or by thresholds whose gates decode to it. */
  @Test
  void everyNetworkIsWhatItWouldBeAlone() {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (SuperkernelSupernet supernet = new SuperkernelSupernet(SPACE, init)) {
        Pass.perturb(supernet);
        Rng rng = new Rng(2);
        int[] seen = new int[SPACE.options().length];
        for (int trial = 0; trial < 30; trial++) {
          try (Learned learned = new Learned(backend, supernet, rng)) {
            int[] decisions = decode(supernet, learned);
            seen[0] |= 1 << decisions[0];
            supernet.learn(learned.thresholds, learned.scales, null);
            Pass byThresholds = Pass.of(backend, supernet);
            supernet.setDecisions(decisions);
            Pass selected = Pass.of(backend, supernet);
            Pass.clear(supernet);
            try (Network alone = new Network(SPACE.derive(decisions), init, 0, new Rng(1))) {
              supernet.copyWeights(decisions, alone);
              Pass expected = Pass.of(backend, alone);
              String what = Arrays.toString(decisions);
              assertEquals(expected.loss(), selected.loss(), 1e-5, what);
              assertArrayEquals(expected.logits(), selected.logits(), 1e-4f, what);
              assertArrayEquals(selected.logits(), byThresholds.logits(), 0f, what);
            }
          }
        }
        assertTrue(Integer.bitCount(seen[0]) > 5, "decisions " + Integer.toBinaryString(seen[0]));
      }
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  private static int[] decode(SuperkernelSupernet supernet, Learned learned) {
    int[] decisions = new int[supernet.choices().size()];
    for (int i = 0; i < decisions.length; i++) {
      NestedChoice choice = supernet.choices().get(i);
      float[] thresholds = learned.values(i);
      double[] gates = new double[choice.gates()];
      supernet.norms(i, thresholds, gates);
      for (int gate = 0; gate < gates.length; gate++) {
        gates[gate] = gates[gate] >= thresholds[gate] ? 1 : 0;
      }
      decisions[i] = choice.decode(gates);
    }
    return decisions;
  }

  /** A layer that is left out gives its input, bit for bit, whatever is in its batch norms. */
  @Test
  void skipIsTheIdentity() {
    Space one =
        Space.parse(
            """
            {"format": "sextant-space/1", "name": "one", "classes": 8,
             "input": {"height": 1, "width": 1, "channels": 8},
             "layers": [
               {"choice": [{"op": "mbconv", "kernel": 3, "expand": 2}, {"op": "skip"}]},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 8}]}
            """,
            "one");
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (SuperkernelBlock block =
          new SuperkernelBlock(NestedChoice.of(one).getFirst(), 8, 1e-3, init)) {
        Pass.perturb(block);
        block.setCandidate(
            one.choices().getFirst().candidates().getLast(), SharedKernels.Averages.NONE);
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
          Tensor x = backend.memory().floats(Shape.of(5, 4, 4, 8), Category.DATA, "x");
          Rng rng = new Rng(4);
          for (int i = 0; i < x.size(); i++) {
            x.floats()[x.offset() + i] = (float) rng.nextGaussian();
          }
          Variable y = block.forward(tape, tape.constant(x));
          assertArrayEquals(x.toArray(), y.value().toArray(), 0f);
        }
      }
    }
  }

  /**
   * A threshold's gradient is -sigmoid' times that of its gate, which is what central differences
   * by the gate's value say: the loss knows of channels and layers through batch norms too. Shells'
   * gates are left out: a larger shell makes the norms of channels larger as well.
   */
  @Test
  void gatesHaveTheGradientOfTheLoss() {
    try (Backend backend = Backend.reference()) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (SuperkernelSupernet supernet = new SuperkernelSupernet(SPACE, init);
          Learned learned = new Learned(backend, supernet, new Rng(5))) {
        Pass.perturb(supernet);
        for (Parameter parameter : learned.thresholds) {
          backend.elementwise().fill(parameter.value(), 0.1f);
        }
        supernet.learn(learned.thresholds, learned.scales, null);
        Pass.of(backend, supernet);
        Pass.clear(supernet);
        float[][] gradients = new float[learned.scales.length][];
        for (int i = 0; i < gradients.length; i++) {
          gradients[i] = Objects.requireNonNull(learned.thresholds.get(i).gradient()).toArray();
        }
        int checked = 0;
        for (int i = 0; i < gradients.length; i++) {
          NestedChoice choice = supernet.choices().get(i);
          float[] gradient = gradients[i];
          double[] norms = new double[choice.gates()];
          supernet.norms(i, learned.values(i), norms);
          for (int gate = choice.layerGate(); gate < choice.gates(); gate++) {
            if (choice.decides(gate)) {
              double margin = norms[gate] - 0.1f;
              double sigmoid = 1 / (1 + Math.exp(-margin));
              double slope = slope(backend, supernet, learned, i, gate);
              assertEquals(-sigmoid * (1 - sigmoid) * slope, gradient[gate], 2e-4, i + " " + gate);
              checked += Math.abs(gradient[gate]) > 2e-3 ? 1 : 0;
            }
          }
        }
        assertTrue(checked >= 4, checked + " gates with a gradient");
        Pass.clear(supernet);
      }
    }
  }

  private static double slope(
      Backend backend, SuperkernelSupernet supernet, Learned learned, int choice, int gate) {
    double step = 1e-3;
    double[] losses = new double[2];
    for (int side = 0; side < 2; side++) {
      learned.scales[choice][gate] = (float) (1 + (side == 0 ? -step : step));
      supernet.learn(learned.thresholds, learned.scales, null);
      losses[side] = Pass.of(backend, supernet).loss();
    }
    learned.scales[choice][gate] = 1;
    return (losses[1] - losses[0]) / (2 * step);
  }

  /** What depends on the gates besides the loss adds its gradient: here 3 and 0 to a layer's. */
  @Test
  void pressureIsPartOfTheBackwardPass() {
    try (Backend backend = Backend.reference()) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (SuperkernelSupernet supernet = new SuperkernelSupernet(SPACE, init);
          Learned learned = new Learned(backend, supernet, new Rng(5))) {
        float[][] gradients = new float[2][];
        for (int run = 0; run < 2; run++) {
          int of = run;
          learned.thresholds.forEach(Parameter::clearGradient);
          supernet.learn(
              learned.thresholds,
              learned.scales,
              (gates, gradient) -> {
                for (double[] row : gradient) {
                  Arrays.fill(row, 0);
                }
                gradient[0][2] = 3 * of;
              });
          Pass.of(backend, supernet);
          gradients[run] =
              Objects.requireNonNull(learned.thresholds.getFirst().gradient()).toArray();
        }
        double[] norms = new double[gradients[0].length];
        supernet.norms(0, learned.values(0), norms);
        double margin = norms[2] - learned.values(0)[2];
        double sigmoid = 1 / (1 + Math.exp(-margin));
        assertEquals(-3 * sigmoid * (1 - sigmoid), gradients[1][2] - gradients[0][2], 1e-5);
        Pass.clear(supernet);
      }
    }
  }

  /** Counts of the released code: 4,833,768 weights and 60 thresholds. */
  @Test
  void thePublishedSupernet() {
    Space space = Space.named("single-path-imagenet");
    try (Backend backend = Backend.cpu(1);
        SuperkernelSupernet supernet =
            new SuperkernelSupernet(space, new Initializer(backend, new Rng(1)))) {
      assertEquals(4_833_768, supernet.parameterCount());
      assertEquals(60, supernet.choices().stream().mapToInt(NestedChoice::gates).sum());
      assertEquals(space.parameters().maximum(), supernet.parameterCount());
    }
  }
}
