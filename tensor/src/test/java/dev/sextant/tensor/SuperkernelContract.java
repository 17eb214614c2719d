package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.tensor.Trial.Operand;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Superkernels: by hand, and against the reference. */
interface SuperkernelContract extends ContractSubject {
  /** From a single candidate to four kernels and three widths. */
  static Stream<Nesting> nestings() {
    return Stream.of(
        new Nesting(new int[] {3}, new int[] {1}),
        new Nesting(new int[] {3, 5}, new int[] {8, 16}),
        new Nesting(new int[] {1, 3, 5, 9}, new int[] {5, 17, 40}),
        new Nesting(new int[] {3, 7}, new int[] {33}),
        new Nesting(new int[] {3, 5, 7}, new int[] {96, 192, 288}));
  }

  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.SuperkernelContract#nestings")
  default void superkernels(Nesting nesting) {
    // Thresholds below, among and above the norms, which lie about 0.58.
    for (double threshold : new double[] {0, 0.5, 0.577, 2}) {
      try (Trial trial = trial("superkernel %s at %s", nesting, threshold)) {
        Shape vector = Shape.of(nesting.gates());
        Operand w = trial.random(nesting.shape());
        Operand thresholds = trial.uniform(threshold - 0.2, threshold + 0.2, vector);
        Operand scales = trial.uniform(0.5, 2, vector);
        Operand gates = trial.output(vector);
        Operand effective = trial.output(nesting.shape());
        trial.run(
            b ->
                b.superkernel()
                    .forward(
                        w.on(b),
                        thresholds.on(b),
                        scales.on(b),
                        nesting,
                        gates.on(b),
                        effective.on(b)));
        Operand dgates = trial.random(vector);
        Operand deffective = trial.random(nesting.shape());
        Operand dw = trial.output(nesting.shape());
        Operand dthresholds = trial.output(vector);
        trial.tolerance(1e-4);
        trial.run(
            b ->
                b.superkernel()
                    .backward(
                        w.on(b),
                        thresholds.on(b),
                        scales.on(b),
                        nesting,
                        dgates.on(b),
                        deffective.on(b),
                        dw.on(b),
                        dthresholds.on(b)));
      }
    }
  }

  /**
   * Kernels 1 and 3, channels 1 and 2. The core weights are 3 and 1, each shell weight is 1 in
   * channel 0 and 2 in channel 1.
   */
  @Test
  default void superkernelByHand() {
    Nesting nesting = new Nesting(new int[] {1, 3}, new int[] {1, 2});
    float[] weights = new float[18];
    for (int tap = 0; tap < 9; tap++) {
      weights[2 * tap] = tap == 4 ? 3 : 1;
      weights[2 * tap + 1] = tap == 4 ? 1 : 2;
    }
    // Shell: sqrt((8 + 8 * 4) / 16) = 1.5811. With the shell open the groups have
    // sqrt((8 + 9) / 9) = 1.3744 and sqrt((8 * 4 + 1) / 9) = 1.9149; shut, 1 and 1 / 3.
    check(nesting, weights, new float[] {1.58f, 1.37f, 1.91f}, new float[] {1, 1, 1}, 1, 1);
    check(nesting, weights, new float[] {1.58f, 1.37f, 1.92f}, new float[] {1, 1, 0}, 1, 0);
    check(nesting, weights, new float[] {1.59f, 1.01f, 0.34f}, new float[] {0, 0, 0}, 0, 0);
    check(nesting, weights, new float[] {1.59f, 0.99f, 0.33f}, new float[] {0, 1, 1}, 0, 1);
  }

  private void check(
      Nesting nesting, float[] weights, float[] limits, float[] open, int shell, int wide) {
    try (Trial trial = trial("superkernel by hand")) {
      Backend b = backend();
      Operand w = trial.values(nesting.shape(), weights);
      Operand thresholds = trial.values(Shape.of(3), limits);
      Operand scales = trial.values(Shape.of(3), 1, 1, 1);
      Operand gates = trial.output(Shape.of(3));
      Operand effective = trial.output(nesting.shape());
      b.superkernel()
          .forward(w.on(b), thresholds.on(b), scales.on(b), nesting, gates.on(b), effective.on(b));
      assertArrayEquals(open, download(gates.on(b)));
      float[] expected = weights.clone();
      for (int i = 0; i < expected.length; i++) {
        boolean core = i / 2 == 4;
        expected[i] *= (core ? 1 : shell) * (i % 2 == 0 ? 1 : wide);
      }
      assertArrayEquals(expected, download(effective.on(b)));
    }
  }

  /**
   * One kernel size and one group: dw is deffective plus the gate's gradient 2 through the norm, 2
   * sigmoid'(n - t) w / (n count). With w = (3, 4) over a 1x1 kernel n = 5 / sqrt(2) = 3.5355.
   */
  @Test
  default void superkernelGradientByHand() {
    Nesting nesting = new Nesting(new int[] {1}, new int[] {2});
    try (Trial trial = trial("superkernel gradient by hand")) {
      Backend b = backend();
      Operand w = trial.values(nesting.shape(), 3, 4);
      Operand thresholds = trial.values(Shape.of(1), 3);
      Operand scales = trial.values(Shape.of(1), 1);
      Operand dgates = trial.values(Shape.of(1), 2);
      Operand deffective = trial.values(nesting.shape(), 10, 20);
      Operand dw = trial.output(nesting.shape());
      Operand dthresholds = trial.output(Shape.of(1));
      b.superkernel()
          .backward(
              w.on(b),
              thresholds.on(b),
              scales.on(b),
              nesting,
              dgates.on(b),
              deffective.on(b),
              dw.on(b),
              dthresholds.on(b));
      // sigmoid(0.5355) = 0.63077, sigmoid' = 0.232900
      assertArrayEquals(new float[] {-0.465800f}, download(dthresholds.on(b)), 1e-5f);
      assertArrayEquals(new float[] {10 + 0.197622f, 20 + 0.263496f}, download(dw.on(b)), 2e-5f);
    }
  }

  @Test
  default void superkernelsOfAnotherShapeAreRefused() {
    Nesting nesting = new Nesting(new int[] {3, 5}, new int[] {2, 4});
    try (Trial trial = trial("superkernel shapes")) {
      Backend b = backend();
      Operand w = trial.random(3, 3, 4);
      Operand vector = trial.random(3);
      Operand gates = trial.output(Shape.of(3));
      Operand effective = trial.output(Shape.of(3, 3, 4));
      String message =
          assertThrows(
                  SextantException.class,
                  () ->
                      b.superkernel()
                          .forward(
                              w.on(b),
                              vector.on(b),
                              vector.on(b),
                              nesting,
                              gates.on(b),
                              effective.on(b)))
              .getMessage();
      assertEquals(
          "superkernel: kernel [3,3,4] does not fit the nesting of kernels [3, 5], channels [2, 4]",
          message);
    }
  }
}
