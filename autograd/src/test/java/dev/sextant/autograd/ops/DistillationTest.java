package dev.sextant.autograd.ops;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The loss of a teacher's logits against its formula in double. */
final class DistillationTest {
  private static final float[] STUDENT = {0.5f, -1, 2, 0, 3, 1, -2, 0.25f};
  private static final float[] TEACHER = {4, -3, 1, 0, 90, 2, 1, -40};
  private static final int[] LABELS = {2, 0};
  private static final int CLASSES = 4;

  private final Backend backend = Backend.cpu(2);

  @AfterEach
  void close() {
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  /** Hinton et al. (2015), section 2, with labels smoothed by 0.1. */
  @Test
  void lossAndGradientAreThoseOfTheFormula() {
    double temperature = 4;
    double weight = 0.6;
    double loss = 0;
    float[] gradient = new float[STUDENT.length];
    for (int row = 0; row < 2; row++) {
      double[] p = softmax(STUDENT, row, 1);
      double[] cooled = softmax(STUDENT, row, temperature);
      double[] q = softmax(TEACHER, row, temperature);
      for (int k = 0; k < CLASSES; k++) {
        double target = (k == LABELS[row] ? 0.9 : 0) + 0.1 / CLASSES;
        loss -= (1 - weight) * target * Math.log(p[k]) / 2;
        loss -= weight * temperature * temperature * q[k] * Math.log(cooled[k]) / 2;
        gradient[row * CLASSES + k] =
            (float)
                (((1 - weight) * (p[k] - target) + weight * temperature * (cooled[k] - q[k])) / 2);
      }
    }
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable logits = tape.leaf(tensor(tape, STUDENT));
      Tensor labels = backend.memory().ints(Shape.of(2), Category.DATA, "labels");
      backend.upload(LABELS, 0, labels);
      Tensor teacher = tensor(tape, TEACHER);
      SoftCrossEntropy.softmax(backend, teacher, 4, teacher);
      Variable hard = SoftmaxCrossEntropy.apply(tape, logits, labels, 0.1f);
      Variable total = Distillation.apply(tape, hard, logits, teacher, 4, 0.6f);
      assertEquals(loss, array(backend, total.value())[0], 1e-5);
      tape.backward(total);
      assertArrayEquals(gradient, array(backend, logits.gradient()), 2e-6f);
    }
  }

  @Test
  void probabilitiesOfFarApartLogits() {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      Tensor q = tensor(tape, TEACHER);
      SoftCrossEntropy.softmax(backend, q, 0.5f, q);
      float[] found = array(backend, q);
      for (int row = 0; row < 2; row++) {
        double[] expected = softmax(TEACHER, row, 0.5);
        for (int k = 0; k < CLASSES; k++) {
          assertEquals(expected[k], found[row * CLASSES + k], 3e-7);
        }
      }
    }
  }

  @Test
  void whatMeansNothingIsRefused() {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable logits = tape.leaf(tensor(tape, STUDENT));
      Tensor q = tensor(tape, TEACHER);
      Tensor narrow = tape.output(Shape.of(4, 2), "narrow");
      Variable loss = Sum.apply(tape, logits);
      assertMessage(
          "soft_cross_entropy: logits [2,4] and probabilities [4,2] are not both [N, K]",
          () -> SoftCrossEntropy.apply(tape, logits, narrow));
      assertMessage(
          "distillation: weight 1.5 is not in [0, 1]",
          () -> Distillation.apply(tape, loss, logits, q, 1, 1.5f));
      assertMessage(
          "distillation: temperature 0.0 is not above 0",
          () -> Distillation.apply(tape, loss, logits, q, 0, 0.5f));
      assertMessage(
          "softmax: temperature NaN is not above 0",
          () -> SoftCrossEntropy.softmax(backend, q, Float.NaN, q));
    }
  }

  private static void assertMessage(String message, Runnable refused) {
    assertEquals(message, assertThrows(SextantException.class, refused::run).getMessage());
  }

  private static double[] softmax(float[] logits, int row, double temperature) {
    double[] p = new double[CLASSES];
    double max = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < CLASSES; k++) {
      max = Math.max(max, logits[row * CLASSES + k] / temperature);
    }
    double sum = 0;
    for (int k = 0; k < CLASSES; k++) {
      p[k] = Math.exp(logits[row * CLASSES + k] / temperature - max);
      sum += p[k];
    }
    for (int k = 0; k < CLASSES; k++) {
      p[k] /= sum;
    }
    return p;
  }

  private Tensor tensor(Tape tape, float[] values) {
    Tensor tensor = tape.output(Shape.of(2, CLASSES), "logits");
    backend.upload(values, 0, tensor);
    return tensor;
  }
}
