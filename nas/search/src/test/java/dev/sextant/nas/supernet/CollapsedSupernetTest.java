package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Space;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Shared weights compute what each network alone would compute with its part of them. */
class CollapsedSupernetTest {
  private static String block(int kernel, int expand, String more) {
    return "{\"op\": \"mbconv\", \"kernel\": %d, \"expand\": %d, \"act\": \"hswish\"%s}"
        .formatted(kernel, expand, more);
  }

  private static String blocks(String... more) {
    StringBuilder all = new StringBuilder();
    for (int kernel : new int[] {3, 5}) {
      for (int expand : new int[] {1, 3, 6}) {
        for (String squeeze : more) {
          all.append(all.isEmpty() ? "" : ", ").append(block(kernel, expand, squeeze));
        }
      }
    }
    return all.toString();
  }

  /** Kernels, expansions down to 1, squeeze-and-excite, skip, searched widths, a linear layer. */
  private static final Space SPACE =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "shared", "classes": 4,
           "input": {"height": 8, "width": 8, "channels": 3},
           "layers": [
             {"choice": [{"op": "conv", "kernel": 3}, {"op": "conv", "kernel": 5}],
              "out": [8, 16], "stride": 2},
             {"choice": [%s, %s, {"op": "skip"}]},
             {"choice": [%s], "out": [8, 16, 24]},
             {"choice": [%s, {"op": "skip"}], "repeat": 2},
             {"op": "conv", "kernel": 1, "out": [16, 32], "act": "hswish"},
             {"op": "global-avg-pool"},
             {"op": "linear", "out": [8, 16], "act": "hswish"},
             {"op": "linear", "out": 4}]}
          """
              .formatted(
                  block(3, 1, ""),
                  block(5, 1, ""),
                  blocks("", ", \"squeeze-excite\": 0.25"),
                  blocks("", ", \"squeeze-excite\": 0.25")),
          "shared");

  private static int[] random(Rng rng) {
    int[] options = SPACE.options();
    int[] decisions = new int[options.length];
    Arrays.setAll(decisions, d -> rng.nextInt(options[d]));
    return decisions;
  }

  @Test
  void everyNetworkIsWhatItWouldBeAlone() {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (CollapsedSupernet supernet = new CollapsedSupernet(SPACE, init)) {
        Pass.perturb(supernet);
        Rng rng = new Rng(2);
        for (int trial = 0; trial < 25; trial++) {
          int[] decisions = random(rng);
          supernet.setDecisions(decisions);
          Pass shared = Pass.of(backend, supernet);
          try (Network network = new Network(SPACE.derive(decisions), init, 0, new Rng(4))) {
            supernet.copyWeights(decisions, network);
            Pass alone = Pass.of(backend, network);
            assertArrayEquals(alone.logits(), shared.logits(), 2e-5f, Arrays.toString(decisions));
            assertEquals(alone.loss(), shared.loss(), 1e-5);
            checkGradients(network, supernet, Arrays.toString(decisions));
          }
          Pass.clear(supernet);
        }
      }
      assertEquals(0, backend.memory().current(), backend.memory().largestHolders());
    }
  }

  /** A shared kernel's gradient has the lone one's squares, and 0 elsewhere. */
  private static void checkGradients(Network alone, CollapsedSupernet shared, String what) {
    double expected = squares(alone);
    assertEquals(expected, squares(shared), 1e-4 * expected, what);
    Pass.clear(alone);
  }

  private static double squares(Module network) {
    double sum = 0;
    for (Parameter parameter : network.parameters().values()) {
      Tensor gradient = parameter.gradient();
      if (gradient != null) {
        for (float value : gradient.toArray()) {
          sum += (double) value * value;
        }
      }
    }
    return sum;
  }

  /**
   * TuNAS masks channels again after batch norm, because batch norm's offset revives them. So what
   * lies beyond a network's channels must not reach its logits, whatever it holds.
   */
  @Test
  void channelsBeyondTheMaskHaveNoInfluence() {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (CollapsedSupernet supernet = new CollapsedSupernet(SPACE, init)) {
        Pass.perturb(supernet);
        // The first of each: the smallest widths and expansions.
        int[] decisions = new int[SPACE.options().length];
        decisions[2] = 2; // 3x3, expansion 3
        supernet.setDecisions(decisions);
        float[] before = Pass.of(backend, supernet).logits();
        Map<String, Parameter> parameters = supernet.parameters();
        for (String path :
            new String[] {
              "layers.2.expand_norm.beta",
              "layers.2.depthwise_norm_3.beta",
              "layers.2.expand.weight"
            }) {
          Parameter parameter = parameters.get(path);
          assertNotNull(parameter, path);
          Tensor value = parameter.value();
          int channels = value.shape().channels();
          for (int i = 0; i < value.size(); i++) {
            if (i % channels >= 24) { // 8 inputs x 3
              value.floats()[value.offset() + i] = 1e6f;
            }
          }
        }
        assertArrayEquals(before, Pass.of(backend, supernet).logits(), 0f);
        Pass.clear(supernet);
      }
    }
  }

  /** Op warm-up: averaged operations, at the largest widths, kept or computed twice. */
  @ParameterizedTest
  @EnumSource
  void averagesAreMeansOfOperations(Averaging averaging) {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (CollapsedSupernet supernet = new CollapsedSupernet(SPACE, init, averaging);
          CollapsedSupernet other =
              new CollapsedSupernet(
                  SPACE,
                  new Initializer(backend, new Rng(1)),
                  averaging == Averaging.KEPT ? Averaging.REMATERIALIZED : Averaging.KEPT)) {
        Pass.perturb(supernet);
        Pass.perturb(other);
        int[] all = new int[supernet.factoring().factors().size()];
        for (int f = 0; f < all.length; f++) {
          Factoring.Factor factor = supernet.factoring().factors().get(f);
          all[f] = factor.kind() == Factoring.Kind.OPERATION ? Factoring.ALL : factor.largest();
        }
        supernet.setOptions(all);
        other.setOptions(all);
        Pass mine = Pass.of(backend, supernet);
        Pass same = Pass.of(backend, other);
        assertArrayEquals(same.logits(), mine.logits(), 1e-5f);
        assertEquals(squares(other), squares(supernet), 1e-4 * squares(other));
        assertTrue(squares(supernet) > 0);
        Pass.clear(supernet);
        Pass.clear(other);
      }
      assertEquals(0, backend.memory().current(), backend.memory().largestHolders());
    }
  }

  /** The mean of two kernels that hold the same weights is either of them. */
  @Test
  void theMeanOfEqualKernelsIsThatKernel() {
    Space space =
        Space.parse(
            """
            {"format": "sextant-space/1", "name": "two", "classes": 2,
             "input": {"height": 6, "width": 6, "channels": 3},
             "layers": [
               {"choice": [{"op": "mbconv", "kernel": 1, "expand": 2},
                           {"op": "mbconv", "kernel": 3, "expand": 2}], "out": 4},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
            """,
            "two");
    try (Backend backend = Backend.cpu(1)) {
      try (CollapsedSupernet supernet =
          new CollapsedSupernet(space, new Initializer(backend, new Rng(1)))) {
        Pass.perturb(supernet);
        Map<String, Parameter> parameters = supernet.parameters();
        float[] one = parameters.get("layers.0.depthwise_1.weight").value().toArray();
        float[] three = new float[9 * one.length];
        System.arraycopy(one, 0, three, 4 * one.length, one.length);
        parameters.get("layers.0.depthwise_3.weight").value().set(three);
        for (String vector : new String[] {"gamma", "beta"}) {
          float[] values = parameters.get("layers.0.depthwise_norm_1." + vector).value().toArray();
          parameters.get("layers.0.depthwise_norm_3." + vector).value().set(values);
        }
        Tensor images = backend.memory().floats(Shape.of(2, 6, 6, 3), Category.DATA, "images");
        Rng rng = new Rng(3);
        for (int i = 0; i < images.size(); i++) {
          images.floats()[images.offset() + i] = (float) rng.nextGaussian();
        }
        supernet.setOptions(new int[] {0});
        float[] alone = logits(backend, supernet, images);
        supernet.setOptions(new int[] {Factoring.ALL});
        assertArrayEquals(alone, logits(backend, supernet, images), 1e-5f);
        images.close();
      }
    }
  }

  private static float[] logits(Backend backend, Module network, Tensor images) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      return network.forward(tape, tape.constant(images)).value().toArray();
    }
  }

  @Test
  void whatWouldNeedRunningStatisticsIsRefused() {
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (CollapsedSupernet supernet = new CollapsedSupernet(SPACE, init)) {
        supernet.setDecisions(new int[SPACE.options().length]);
        Tensor images = backend.memory().floats(Shape.of(1, 8, 8, 3), Category.DATA, "images");
        backend.elementwise().fill(images, 1);
        try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
          assertThrows(SextantException.class, () -> supernet.forward(tape, tape.constant(images)));
        }
        images.close();
      }
      assertThrows(SextantException.class, () -> new MultiPathSupernet(SPACE, init));
    }
  }
}
