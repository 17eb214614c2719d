package dev.sextant.tensor;

import dev.sextant.tensor.Trial.Operand;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The loss and the optimizer steps. */
interface TrainingContract extends ContractSubject {
  int[] ROWS = {0, 1, 3, 33};
  int[] CLASSES = {1, 2, 10, 15, 16, 17, 33, 200};

  @Test
  default void crossEntropy() {
    for (int rows : ROWS) {
      for (int classes : CLASSES) {
        for (float smoothing : new float[] {0, 0.1f}) {
          crossEntropy(rows, classes, smoothing);
        }
      }
    }
    crossEntropy(64, 1000, 0.1f);
  }

  private void crossEntropy(int rows, int classes, float smoothing) {
    Shape shape = Shape.of(rows, classes);
    try (Trial trial = trial("cross-entropy %s, smoothing %s", shape, smoothing)) {
      Operand logits = trial.uniform(-20, 20, shape);
      try (Operand labels = trial.labels(rows, classes)) {
        Operand gradient = trial.output(shape);
        Operand over = trial.updated(-5, 5, shape);
        trial.call(b -> b.loss().softmaxCrossEntropy(logits.on(b), labels.on(b), smoothing, null));
        trial.call(
            b ->
                b.loss()
                    .softmaxCrossEntropy(logits.on(b), labels.on(b), smoothing, gradient.on(b)));
        trial.call(
            b -> b.loss().softmaxCrossEntropy(over.on(b), labels.on(b), smoothing, over.on(b)));
      }
    }
  }

  @Test
  default void crossEntropyOfHugeLogitsIsFinite() {
    Shape shape = Shape.of(2, 3);
    try (Trial trial = trial("huge logits")) {
      Operand logits = trial.values(shape, 1e4f, 0, -1e4f, -3e4f, -3e4f, -3e4f);
      Operand gradient = trial.output(shape);
      try (Operand labels = trial.labels(2, 3)) {
        trial.call(
            b -> b.loss().softmaxCrossEntropy(logits.on(b), labels.on(b), 0, gradient.on(b)));
      }
    }
  }

  @Test
  default void countsCorrectRows() {
    for (int rows : ROWS) {
      for (int classes : CLASSES) {
        try (Trial trial = trial("accuracy %d x %d", rows, classes)) {
          // Three values alone: ties, of which the first counts.
          Operand logits = trial.input(Shape.of(rows, classes), value -> Math.floor(3 * value));
          try (Operand labels = trial.labels(rows, Math.min(classes, 4))) {
            trial.tolerance(0).call(b -> b.loss().countCorrect(logits.on(b), labels.on(b)));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ElementwiseContract.SIZES)
  default void optimizerSteps(int size) {
    Shape shape = Shape.of(size);
    for (boolean nesterov : new boolean[] {false, true}) {
      try (Trial trial = trial("sgd %d %s", size, nesterov)) {
        Operand w = trial.updated(shape);
        Operand g = trial.random(shape);
        Operand v = trial.updated(shape);
        trial.run(b -> b.optimizer().sgd(w.on(b), g.on(b), v.on(b), 0.05f, 0.9f, 4e-5f, nesterov));
      }
    }
    for (int step : new int[] {1, 2, 1000}) {
      try (Trial trial = trial("adam %d step %d", size, step)) {
        Operand w = trial.updated(shape);
        Operand g = trial.random(shape);
        Operand m = trial.updated(shape);
        Operand v = trial.updated(0, 1, shape);
        trial.run(
            b ->
                b.optimizer()
                    .adam(
                        w.on(b), g.on(b), m.on(b), v.on(b), 6e-3f, 0.5f, 0.999f, 1e-8f, 1e-3f,
                        step));
      }
    }
    try (Trial trial = trial("rmsprop %d", size)) {
      Operand w = trial.updated(shape);
      Operand g = trial.random(shape);
      Operand s = trial.updated(0, 1, shape);
      Operand v = trial.updated(shape);
      trial.run(
          b ->
              b.optimizer()
                  .rmsProp(w.on(b), g.on(b), s.on(b), v.on(b), 0.016f, 0.9f, 0.9f, 1e-3f, 1e-5f));
    }
  }

  /** Around the share of a device's block, and more than one of them. */
  @Test
  default void optimizerStepsOfManyTensors() {
    int[] sizes = {0, 1, 3, 4, 5, 257, 1023, 1024, 4095, 4096, 4097, 9001};
    float[] decays = new float[sizes.length];
    int[] steps = new int[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      decays[i] = i % 2 * 1e-2f;
      steps[i] = 1 + i;
    }
    for (boolean nesterov : new boolean[] {false, true}) {
      try (Trial trial = trial("sgd of many %s", nesterov)) {
        List<Operand[]> operands = states(trial, sizes, 1);
        trial.run(b -> b.optimizer().sgd(on(operands, b), 0.05f, 0.9f, decays, nesterov));
      }
    }
    try (Trial trial = trial("adam of many")) {
      List<Operand[]> operands = states(trial, sizes, 2);
      trial.run(
          b -> b.optimizer().adam(on(operands, b), 6e-3f, 0.5f, 0.999f, 1e-8f, decays, steps));
    }
    try (Trial trial = trial("rmsprop of many")) {
      List<Operand[]> operands = states(trial, sizes, 2);
      trial.run(b -> b.optimizer().rmsProp(on(operands, b), 0.016f, 0.9f, 0.9f, 1e-3f, decays));
    }
  }

  /** Weights, gradient, and moments; two of them are not negative, as squares are. */
  private static List<Operand[]> states(Trial trial, int[] sizes, int moments) {
    List<Operand[]> states = new ArrayList<>();
    for (int size : sizes) {
      Shape shape = Shape.of(size);
      Operand[] state = new Operand[2 + moments];
      state[0] = trial.updated(shape);
      state[1] = trial.random(shape);
      state[2] = trial.updated(moments == 1 ? -1 : 0, 1, shape);
      if (moments == 2) {
        state[3] = trial.updated(0, 1, shape);
      }
      states.add(state);
    }
    return states;
  }

  private static List<Tensor[]> on(List<Operand[]> operands, Backend backend) {
    return operands.stream()
        .map(each -> Stream.of(each).map(o -> o.on(backend)).toArray(Tensor[]::new))
        .toList();
  }
}
