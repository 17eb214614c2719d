package dev.sextant.nas.detection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.MeanAveragePrecision.Area;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** COCO's metric by hand, and against another computation of its definition. */
class MeanAveragePrecisionTest {
  /** A detection as plain numbers: left, upper, right, lower edge, score, label. */
  private record Box(double[] edges, float score, int label) {}

  private static Box box(double left, double top, double right, double bottom, double score) {
    return new Box(new double[] {left, top, right, bottom}, (float) score, 0);
  }

  private static Detections detections(List<Box> boxes) {
    Detections detections = new Detections(Math.max(1, boxes.size()));
    for (Box box : boxes) {
      float[] edges = new float[4];
      for (int i = 0; i < 4; i++) {
        edges[i] = (float) box.edges[i];
      }
      detections.add(box.label, box.score, edges, 0);
    }
    return detections;
  }

  private static double map(List<Box> boxes, Scene.Item... items) {
    MeanAveragePrecision metric = new MeanAveragePrecision(1);
    metric.add(detections(boxes), new Scene(100, 100, List.of(items)));
    return metric.value();
  }

  @Test
  void byHand() {
    Scene.Item object = new Scene.Item(0, 10, 10, 30, 30);
    assertEquals(1, map(List.of(box(10, 10, 30, 30, 0.9)), object));
    assertEquals(0, map(List.of(), object));
    assertTrue(Double.isNaN(map(List.of(box(10, 10, 30, 30, 0.9)))));
    // IoU 16 x 20 over 20 x 20 = 0.8: right at 0.5, 0.55 to 0.75 and, as 0.8 is reached, at 0.8.
    assertEquals(0.7, map(List.of(box(10, 10, 26, 30, 0.9)), object), 1e-12);
    // A better-scored wrong box halves the precision at every recall.
    assertEquals(
        0.5, map(List.of(box(60, 60, 90, 90, 0.9), box(10, 10, 30, 30, 0.8)), object), 1e-12);
    // A worse-scored one, and a second box on the same object, change nothing.
    assertEquals(
        1,
        map(
            List.of(box(60, 60, 90, 90, 0.1), box(10, 10, 30, 30, 0.8), box(10, 10, 30, 30, 0.7)),
            object));
    // One of two found: precision 1 up to recall 0.5, that is at 51 of 101 recalls.
    assertEquals(
        51.0 / 101,
        map(List.of(box(10, 10, 30, 30, 0.8)), object, new Scene.Item(0, 50, 50, 70, 70)),
        1e-12);
  }

  @Test
  void crowdsAndDifficultObjectsDoNotCount() {
    Scene.Item object = new Scene.Item(0, 10, 10, 30, 30);
    Scene.Item crowd = new Scene.Item(0, 40, 40, 100, 100, 3600, Scene.Kind.CROWD);
    Scene.Item difficult = new Scene.Item(0, 70, 0, 90, 20, 400, Scene.Kind.DIFFICULT);
    List<Box> boxes =
        List.of(
            box(45, 45, 60, 60, 0.99),
            box(50, 50, 65, 65, 0.98),
            box(70, 0, 90, 20, 0.97),
            box(10, 10, 30, 30, 0.5));
    assertEquals(1, map(boxes, object, crowd, difficult));
    // Without the crowd two wrong boxes stand before the right one; a second box on what is
    // difficult is wrong.
    assertEquals(1.0 / 3, map(boxes, object, difficult), 1e-12);
    List<Box> twice = new ArrayList<>(boxes);
    twice.add(box(70, 0, 90, 20, 0.96));
    assertEquals(0.5, map(twice, object, crowd, difficult), 1e-12);
  }

  @Test
  void objectsOfASizeAreJudgedAlone() {
    MeanAveragePrecision metric = new MeanAveragePrecision(1);
    metric.add(
        detections(List.of(box(0, 0, 10, 10, 0.9), box(0, 0, 50, 50, 0.8))),
        new Scene(
            200,
            200,
            List.of(new Scene.Item(0, 0, 0, 10, 10), new Scene.Item(0, 100, 100, 150, 150))));
    assertEquals(1, metric.value(Area.SMALL), 1e-12);
    assertEquals(0, metric.value(Area.MEDIUM), 1e-12);
    assertTrue(Double.isNaN(metric.value(Area.LARGE)));
    assertEquals(51.0 / 101, metric.value(0.5), 1e-12);
  }

  static IntStream cases() {
    return IntStream.range(0, 50);
  }

  /** Random scenes of several images, classes and kinds of objects. */
  @ParameterizedTest
  @MethodSource("cases")
  void asAnotherComputationHasIt(int seed) {
    Rng rng = new Rng(seed);
    int classes = 1 + rng.nextInt(3);
    List<List<Box>> found = new ArrayList<>();
    List<Scene> scenes = new ArrayList<>();
    MeanAveragePrecision metric = new MeanAveragePrecision(classes);
    for (int image = 0; image < 4; image++) {
      List<Scene.Item> items = new ArrayList<>();
      List<Box> boxes = new ArrayList<>();
      for (int i = rng.nextInt(6); i > 0; i--) {
        float left = rng.nextInt(60);
        float top = rng.nextInt(60);
        float right = left + 12 + rng.nextInt(82);
        float bottom = top + 12 + rng.nextInt(82);
        Scene.Kind kind = Scene.Kind.values()[Math.max(0, rng.nextInt(6) - 3)];
        double area = ((double) right - left) * ((double) bottom - top);
        Scene.Item item =
            new Scene.Item(rng.nextInt(classes), left, top, right, bottom, area, kind);
        items.add(item);
        for (int d = rng.nextInt(3); d > 0; d--) {
          boxes.add(
              new Box(
                  new double[] {
                    left + rng.nextInt(5), top + rng.nextInt(5), right - rng.nextInt(4), bottom
                  },
                  rng.nextInt(8) / 8f + 0.05f,
                  rng.nextInt(4) == 0 ? rng.nextInt(classes) : item.label()));
        }
      }
      boxes.sort(Comparator.comparingDouble((Box b) -> -b.score));
      Scene scene = new Scene(160, 160, items);
      found.add(boxes);
      scenes.add(scene);
      metric.add(detections(boxes), scene);
    }
    assertEquals(expected(found, scenes, classes, Area.ALL), metric.value(), 1e-6);
    assertEquals(expected(found, scenes, classes, Area.SMALL), metric.value(Area.SMALL), 1e-6);
    assertEquals(expected(found, scenes, classes, Area.MEDIUM), metric.value(Area.MEDIUM), 1e-6);
  }

  private static double expected(
      List<List<Box>> found, List<Scene> scenes, int classes, Area area) {
    double sum = 0;
    int known = 0;
    for (int label = 0; label < classes; label++) {
      for (int percent = 50; percent < 100; percent += 5) {
        double ap = expected(found, scenes, label, percent / 100.0, area);
        if (ap >= 0) {
          sum += ap;
          known++;
        }
      }
    }
    return known == 0 ? Double.NaN : sum / known;
  }

  /** From the matrix of overlaps of each image; -1 where no object counts. */
  private static double expected(
      List<List<Box>> found, List<Scene> scenes, int label, double threshold, Area area) {
    List<double[]> marks = new ArrayList<>();
    int positives = 0;
    for (int image = 0; image < scenes.size(); image++) {
      List<Scene.Item> items =
          scenes.get(image).objects().stream().filter(item -> item.label() == label).toList();
      boolean[] ignored = new boolean[items.size()];
      boolean[] used = new boolean[items.size()];
      for (int j = 0; j < ignored.length; j++) {
        ignored[j] = items.get(j).kind() != Scene.Kind.OBJECT || !in(items.get(j).area(), area);
        positives += ignored[j] ? 0 : 1;
      }
      for (Box box : found.get(image)) {
        if (box.label != label) {
          continue;
        }
        // Two looks: first at those that count, then, with nothing found, at the others.
        int match = -1;
        for (int look = 0; look < 2 && match < 0; look++) {
          double most = threshold - 1e-10;
          for (int j = 0; j < ignored.length; j++) {
            boolean crowd = items.get(j).kind() == Scene.Kind.CROWD;
            if (ignored[j] != (look == 1) || (used[j] && !crowd)) {
              continue;
            }
            double overlap = overlap(box, items.get(j), crowd);
            if (overlap >= most) {
              most = overlap;
              match = j;
            }
          }
        }
        if (match >= 0) {
          used[match] = true;
        }
        double size = (box.edges[2] - box.edges[0]) * (box.edges[3] - box.edges[1]);
        boolean counted = match >= 0 ? !ignored[match] : in(size, area);
        if (counted) {
          marks.add(new double[] {box.score, match >= 0 ? 1 : 0});
        }
      }
    }
    if (positives == 0) {
      return -1;
    }
    marks.sort(Comparator.comparingDouble(mark -> -mark[0]));
    double total = 0;
    for (int percent = 0; percent <= 100; percent++) {
      double best = 0;
      double right = 0;
      for (int i = 0; i < marks.size(); i++) {
        right += marks.get(i)[1];
        // The recalls of the published evaluation are multiples of the double 0.01.
        if (right / positives >= (percent == 100 ? 1 : percent * 0.01)) {
          best = Math.max(best, right / (i + 1));
        }
      }
      total += best;
    }
    return total / 101;
  }

  private static boolean in(double area, Area range) {
    return switch (range) {
      case ALL -> true;
      case SMALL -> area <= 1024;
      case MEDIUM -> area >= 1024 && area <= 9216;
      case LARGE -> area >= 9216;
    };
  }

  private static double overlap(Box a, Scene.Item b, boolean crowd) {
    double width = Math.min(a.edges[2], b.right()) - Math.max(a.edges[0], b.left());
    double height = Math.min(a.edges[3], b.bottom()) - Math.max(a.edges[1], b.top());
    double shared = Math.max(0, width) * Math.max(0, height);
    double own = (a.edges[2] - a.edges[0]) * (a.edges[3] - a.edges[1]);
    return shared
        / (crowd ? own : own + ((double) b.right() - b.left()) * (b.bottom() - b.top()) - shared);
  }
}
