package dev.sextant.runtime.detection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Predictions to boxes: against hand-computed numbers and against plain code. */
class BoxSelectionTest {
  static Architecture detector(int classes) {
    return new Architecture(
        "detector",
        classes,
        new Architecture.Input(8, 16, 3),
        1e-3,
        List.of(
            new Conv(3, 2, 1, 4, true, Activation.RELU6),
            new Detect(classes, 3, 2, 0.3, 0.6, Activation.RELU6),
            new Conv(3, 2, 1, 8, true, Activation.RELU6),
            new Detect(classes, 3, 1, 0.6, 0, Activation.RELU6)));
  }

  @Test
  void anchorsStandAroundPixels() {
    Anchors anchors = Anchors.of(detector(2));
    assertEquals(4 * 8 * 4 + 2 * 4, anchors.count());
    assertEquals(7, anchors.numbers());
    // The first pixel of the 4x8 map: centre (1/16, 1/8), a square of 0.3.
    assertEdges(anchors, 0, 0.0625 - 0.15, 0.125 - 0.15, 0.0625 + 0.15, 0.125 + 0.15);
    double between = Math.sqrt(0.3 * 0.6) / 2;
    assertEdges(anchors, 1, 0.0625 - between, 0.125 - between, 0.0625 + between, 0.125 + between);
    double half = 0.15 * Math.sqrt(2);
    assertEdges(anchors, 2, 0.0625 - half, 0.125 - half / 2, 0.0625 + half, 0.125 + half / 2);
    assertEdges(anchors, 3, 0.0625 - half / 2, 0.125 - half, 0.0625 + half / 2, 0.125 + half);
    // The last of the 2x4 map, which has one square a pixel.
    assertEdges(anchors, anchors.count() - 1, 0.875 - 0.3, 0.75 - 0.3, 0.875 + 0.3, 0.75 + 0.3);
  }

  private static void assertEdges(
      Anchors anchors, int anchor, double left, double top, double right, double bottom) {
    assertEquals(left, anchors.edge(anchor, 0), 1e-6);
    assertEquals(top, anchors.edge(anchor, 1), 1e-6);
    assertEquals(right, anchors.edge(anchor, 2), 1e-6);
    assertEquals(bottom, anchors.edge(anchor, 3), 1e-6);
  }

  @Test
  void aBoxComesBackFromItsOffsets() {
    Anchors anchors = Anchors.of(detector(2));
    Rng rng = new Rng(3);
    float[] offsets = new float[6];
    float[] decoded = new float[4];
    for (int i = 0; i < 200; i++) {
      float left = (float) rng.uniform(0, 0.8);
      float top = (float) rng.uniform(0, 0.8);
      float[] box = {
        0, left, top, left + (float) rng.uniform(0.05, 0.2), top + (float) rng.uniform(0.05, 0.2)
      };
      int anchor = rng.nextInt(anchors.count());
      anchors.encode(anchor, box, 1, offsets, 2);
      anchors.decode(anchor, offsets, 2, 1, 1, decoded, 0);
      for (int edge = 0; edge < 4; edge++) {
        assertEquals(box[1 + edge], decoded[edge], 1e-5);
      }
    }
    // A shift of one unit is a tenth of the anchor's side, a growth of one is e^0.2.
    anchors.decode(0, new float[] {1, 0, 1, 0}, 0, 16, 8, decoded, 0);
    double right = (0.0625 + 0.03 + 0.15 * Math.exp(0.2)) * 16;
    assertEquals(0, decoded[0]);
    assertEquals(right, decoded[2], 1e-5);
    assertEquals((0.125 + 0.15) * 8, decoded[3], 1e-5);
    anchors.decode(0, new float[] {0, 0, 1e9f, -1e9f}, 0, 1, 1, decoded, 0);
    assertTrue(decoded[2] <= 1 && Float.isFinite(decoded[2]), "growth is bounded");
  }

  private record Found(int label, double score, float[] box) {}

  /** Softmax, decoding, sorting and suppression as their definitions have them. */
  private static List<Found> expected(
      Anchors anchors, float[] predictions, BoxSelection.Limits limits, int most) {
    List<Found> all = new ArrayList<>();
    for (int label = 0; label < anchors.classes(); label++) {
      List<Found> candidates = new ArrayList<>();
      for (int a = 0; a < anchors.count(); a++) {
        int at = a * anchors.numbers();
        double sum = 0;
        for (int c = 0; c <= anchors.classes(); c++) {
          sum += Math.exp(predictions[at + 4 + c]);
        }
        double score = Math.exp(predictions[at + 5 + label]) / sum;
        if (score >= limits.minScore()) {
          float[] box = new float[4];
          anchors.decode(a, predictions, at, 16, 8, box, 0);
          candidates.add(new Found(label, score, box));
        }
      }
      candidates.sort(Comparator.comparingDouble(Found::score).reversed());
      List<Found> kept = new ArrayList<>();
      for (Found next : candidates.subList(0, Math.min(limits.candidates(), candidates.size()))) {
        if (kept.stream()
            .noneMatch(k -> Boxes.overlap(k.box, 0, next.box, 0) > limits.maxOverlap())) {
          kept.add(next);
        }
      }
      all.addAll(kept);
    }
    all.sort(Comparator.comparingDouble(Found::score).reversed());
    return all.subList(0, Math.min(most, all.size()));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void selectionAsDefined(int seed) {
    int classes = 1 + seed % 4;
    Anchors anchors = Anchors.of(detector(classes));
    Rng rng = new Rng(seed);
    int from = seed % 3;
    float[] predictions = new float[anchors.count() * anchors.numbers()];
    for (int i = 0; i < predictions.length; i++) {
      predictions[i] = (float) (2 * rng.nextGaussian());
    }
    float[] shifted = new float[from + predictions.length];
    System.arraycopy(predictions, 0, shifted, from, predictions.length);
    BoxSelection.Limits limits = new BoxSelection.Limits(0.05f, 0.4f, 5 * seed);
    Detections detections = new Detections(10 * seed);
    new BoxSelection(anchors, limits).select(shifted, from, 16, 8, detections);
    List<Found> expected = expected(anchors, predictions, limits, 10 * seed);
    assertEquals(expected.size(), detections.count());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).label, detections.label(i));
      assertEquals(expected.get(i).score, detections.score(i), 1e-5);
      assertEquals(expected.get(i).box[0], detections.left(i), 1e-5);
      assertEquals(expected.get(i).box[1], detections.top(i), 1e-5);
      assertEquals(expected.get(i).box[2], detections.right(i), 1e-5);
      assertEquals(expected.get(i).box[3], detections.bottom(i), 1e-5);
    }
  }

  @Test
  void overlapsByHand() {
    float[] boxes = {0, 0, 2, 2, 1, 1, 3, 3, 5, 5, 6, 6, 4, 4, 4, 4};
    assertEquals(1.0 / 7, Boxes.overlap(boxes, 0, boxes, 4), 1e-12);
    assertEquals(1, Boxes.overlap(boxes, 4, boxes, 4));
    assertEquals(0, Boxes.overlap(boxes, 0, boxes, 8));
    assertEquals(0, Boxes.overlap(boxes, 12, boxes, 12));
  }

  @Test
  void misuseIsASentence() {
    assertEquals(
        "detection: least score 0.0 is not above 0 and below 1",
        message(() -> new BoxSelection.Limits(0, 0.5f, 1)));
    assertEquals(
        "detection: overlap NaN is not 0 to 1",
        message(() -> new BoxSelection.Limits(0.5f, Float.NaN, 1)));
    assertEquals(
        "detection: 0 candidates is not at least 1",
        message(() -> new BoxSelection.Limits(0.5f, 0.5f, 0)));
    assertEquals("detections: room for 0 is not at least 1", message(() -> new Detections(0)));
    assertThrows(IndexOutOfBoundsException.class, () -> new Detections(3).score(0));
  }

  private static String message(Runnable runnable) {
    return assertThrows(SextantException.class, runnable::run).getMessage();
  }
}
