package dev.sextant.nas.detection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Tape;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which anchors are of which objects, and the loss of predictions. */
class MultiboxLossTest {
  /** A map of 2 x 2 pixels with squares of half the image, and one of 1 x 1. */
  private static Anchors anchors(int classes) {
    return Anchors.of(
        new Architecture(
            "squares",
            classes,
            new Architecture.Input(4, 4, 3),
            1e-3,
            List.of(
                new Conv(3, 2, 1, 4, true, Activation.RELU),
                new Detect(classes, 3, 1, 0.5, 0, Activation.RELU),
                new Conv(3, 2, 1, 4, true, Activation.RELU),
                new Detect(classes, 3, 1, 0.9, 0, Activation.RELU))));
  }

  private static int[] labels(AnchorTargets targets, int image) {
    int[] labels = new int[targets.anchors().count()];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = targets.label(image, i);
    }
    return labels;
  }

  @Test
  void anchorsAreOfTheObjectsTheyOverlap() {
    AnchorTargets targets = new AnchorTargets(anchors(3), 2);
    // Anchors are the quarters of the image, by rows, and 0.9 of the whole.
    Scene quarter = new Scene(100, 50, List.of(new Scene.Item(1, 0, 0, 50, 25)));
    // Overlaps none by half: a tenth of the image in the second quarter.
    Scene tiny = new Scene(10, 10, List.of(new Scene.Item(0, 7, 1, 8, 2)));
    targets.set(List.of(quarter, tiny));
    org.junit.jupiter.api.Assertions.assertArrayEquals(
        new int[] {2, 0, 0, 0, 0}, labels(targets, 0));
    org.junit.jupiter.api.Assertions.assertArrayEquals(
        new int[] {0, 1, 0, 0, 0}, labels(targets, 1));
    for (int i = 0; i < 4; i++) {
      assertEquals(0, targets.offset(0, 0, i), 1e-5, "the anchor itself");
    }
    // Centre 0 of the anchor (0.75, 0.25) is at (0.75, 0.15), and sides are a fifth of its.
    assertEquals(0, targets.offset(1, 1, 0), 1e-5);
    assertEquals(-0.1 / 0.5 / 0.1, targets.offset(1, 1, 1), 1e-4);
    assertEquals(Math.log(0.2) / 0.2, targets.offset(1, 1, 2), 1e-4);
  }

  @Test
  void crowdsAreNotLearntAndEveryObjectHasAnAnchor() {
    AnchorTargets targets = new AnchorTargets(anchors(3), 1);
    Scene scene =
        new Scene(
            1,
            1,
            List.of(
                new Scene.Item(2, 0, 0, 1, 1),
                new Scene.Item(0, 0.1f, 0.1f, 0.2f, 0.2f),
                new Scene.Item(1, 0.5f, 0, 1, 0.5f, 0.25, Scene.Kind.CROWD)));
    targets.set(List.of(scene));
    org.junit.jupiter.api.Assertions.assertArrayEquals(
        new int[] {1, 0, 0, 0, 3}, labels(targets, 0));
    assertEquals(
        "detection: class 2 is none of the network's 2",
        assertThrows(
                SextantException.class, () -> new AnchorTargets(anchors(2), 1).set(List.of(scene)))
            .getMessage());
  }

  /** The definition in plain code. */
  private static double expected(AnchorTargets targets, float[] x) {
    int numbers = targets.anchors().numbers();
    int anchors = targets.anchors().count();
    double sum = 0;
    int objects = 0;
    for (int image = 0; image < targets.count(); image++) {
      List<Double> background = new ArrayList<>();
      int here = 0;
      for (int anchor = 0; anchor < anchors; anchor++) {
        int at = (image * anchors + anchor) * numbers;
        int label = targets.label(image, anchor);
        double all = 0;
        for (int c = 0; c < numbers - 4; c++) {
          all += Math.exp(x[at + 4 + c]);
        }
        double loss = Math.log(all) - x[at + 4 + label];
        if (label == 0) {
          background.add(loss);
          continue;
        }
        here++;
        sum += loss;
        for (int i = 0; i < 4; i++) {
          double d = Math.abs(x[at + i] - targets.offset(image, anchor, i));
          sum += d < 1 ? 0.5 * d * d : d - 0.5;
        }
      }
      background.sort(Collections.reverseOrder());
      for (int i = 0; i < Math.min(background.size(), 3 * here); i++) {
        sum += background.get(i);
      }
      objects += here;
    }
    return sum / Math.max(1, objects);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void lossAndGradient(int seed) {
    AnchorTargets targets = new AnchorTargets(anchors(3), 3);
    Scene one = new Scene(1, 1, List.of(new Scene.Item(1, 0.1f, 0, 0.5f, 0.4f)));
    Scene whole = new Scene(1, 1, List.of(new Scene.Item(0, 0, 0, 0.9f, 1)));
    Scene empty = new Scene(1, 1, List.of());
    targets.set(seed % 2 == 0 ? List.of(one, whole, empty) : List.of(empty, one));
    int numbers = targets.anchors().count() * targets.anchors().numbers();
    MultiboxLoss loss = new MultiboxLoss(targets);
    try (Backend backend = Backend.reference()) {
      try (Tensor x =
          backend
              .memory()
              .floats(Shape.of(targets.count(), numbers), Category.ACTIVATIONS, "test")) {
        Rng rng = new Rng(seed);
        float[] values = new float[x.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (1.5 * rng.nextGaussian());
        }
        x.set(values);
        try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
          double value = backend.elementwise().sum(loss.apply(tape, tape.constant(x)).value());
          assertEquals(expected(targets, values), value, 1e-5 * value);
        }
        GradientCheck.check("multibox_loss", backend, loss::apply, 1e-2f, 1e-2f, x);
      }
      assertEquals(0, backend.memory().current());
    }
  }

  @Test
  void withNothingToFindThereIsNothingToLearn() {
    AnchorTargets targets = new AnchorTargets(anchors(2), 1);
    targets.set(List.of(new Scene(1, 1, List.of())));
    try (Backend backend = Backend.cpu(1);
        Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      int numbers = targets.anchors().count() * targets.anchors().numbers();
      Tensor x = backend.memory().floats(Shape.of(1, numbers), Category.ACTIVATIONS, "test");
      x.set(new float[numbers]);
      MultiboxLoss loss = new MultiboxLoss(targets);
      assertEquals(0, backend.elementwise().sum(loss.apply(tape, tape.constant(x)).value()));
      targets.set(List.of(new Scene(1, 1, List.of())));
      Tensor wrong = backend.memory().floats(Shape.of(1, 3), Category.ACTIVATIONS, "test");
      assertEquals(
          "multibox_loss: predictions are [[1,3]], 1 images need [1,35]",
          assertThrows(SextantException.class, () -> loss.apply(tape, tape.constant(wrong)))
              .getMessage());
      x.close();
      wrong.close();
    }
  }
}
