package dev.sextant.nas.detection;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.runtime.detection.Boxes;
import dev.sextant.runtime.detection.Detections;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * COCO's metric of detectors, by the definition of its published evaluation (pycocotools): average
 * precision of each class at 101 recalls, at overlaps 0.5, 0.55 to 0.95, over the classes that have
 * objects.
 *
 * <ul>
 *   <li>Of an image and class the {@value #MOST} best detections count. Best first, each takes the
 *       object that it overlaps most, at least by the threshold, and that none before it took.
 *   <li>What takes a crowd, a difficult object or one outside the range of areas does not count,
 *       nor does what takes nothing and is itself outside the range. An object that counts is
 *       preferred to one that does not. The overlap with a crowd is the share of the detection
 *       inside it, and any number of detections take it.
 * </ul>
 *
 * <p>Confined to one thread.
 */
public final class MeanAveragePrecision {
  /** Detections of an image and class that count. */
  public static final int MOST = 100;

  private static final int THRESHOLDS = 10;
  private static final int RECALLS = 101;

  /** Objects of which sizes count. */
  public enum Area {
    /** All. */
    ALL(0, 1e10),
    /** Below 32 x 32 pixels. */
    SMALL(0, 32 * 32),
    /** From 32 x 32 to 96 x 96 pixels. */
    MEDIUM(32 * 32, 96 * 96),
    /** From 96 x 96 pixels. */
    LARGE(96 * 96, 1e10);

    private final double least;
    private final double most;

    Area(double least, double most) {
      this.least = least;
      this.most = most;
    }

    /** Both ends included, as published. */
    boolean contains(double area) {
      return area >= least && area <= most;
    }
  }

  /** A detection: box in pixels. */
  private record Found(float score, float[] box) {}

  /** One image's detections and objects of one class. */
  private record Case(List<Found> found, List<Scene.Item> objects) {}

  /** A detection after matching: whether it is right; those that do not count are left out. */
  private record Verdict(float score, boolean right) {}

  private final List<List<Case>> cases = new ArrayList<>();

  /**
   * With no images yet.
   *
   * @param classes kinds of objects, at least 1
   */
  public MeanAveragePrecision(int classes) {
    for (int i = 0; i < classes; i++) {
      cases.add(new ArrayList<>());
    }
  }

  /**
   * Takes an image in.
   *
   * @param detections in it, in the scene's pixels, best first
   * @param scene what stands in it
   */
  public void add(Detections detections, Scene scene) {
    for (int label = 0; label < cases.size(); label++) {
      List<Found> found = new ArrayList<>();
      for (int i = 0; i < detections.count() && found.size() < MOST; i++) {
        if (detections.label(i) == label) {
          float[] box = {
            detections.left(i), detections.top(i), detections.right(i), detections.bottom(i)
          };
          found.add(new Found(detections.score(i), box));
        }
      }
      int own = label;
      List<Scene.Item> objects =
          scene.objects().stream().filter(item -> item.label() == own).toList();
      if (!found.isEmpty() || !objects.isEmpty()) {
        cases.get(label).add(new Case(found, objects));
      }
    }
  }

  /** {@return the mean over classes and overlaps, 0 to 1; NaN where no object counts} */
  public double value() {
    return value(Area.ALL);
  }

  /**
   * {@return the same for objects of some sizes}
   *
   * @param area which sizes
   */
  public double value(Area area) {
    double sum = 0;
    int known = 0;
    for (int i = 0; i < THRESHOLDS; i++) {
      for (List<Case> images : cases) {
        double precision = averagePrecision(images, threshold(i), area);
        if (!Double.isNaN(precision)) {
          sum += precision;
          known++;
        }
      }
    }
    return known == 0 ? Double.NaN : sum / known;
  }

  /**
   * {@return the mean over classes at one overlap; NaN where no object counts}
   *
   * @param overlap least IoU of a right detection, such as 0.5
   */
  public double value(double overlap) {
    double sum = 0;
    int known = 0;
    for (int label = 0; label < cases.size(); label++) {
      double precision = averagePrecision(label, overlap);
      if (!Double.isNaN(precision)) {
        sum += precision;
        known++;
      }
    }
    return known == 0 ? Double.NaN : sum / known;
  }

  /**
   * {@return the average precision of one class; NaN where it has no object}
   *
   * @param label from 0
   * @param overlap least IoU of a right detection
   */
  public double averagePrecision(int label, double overlap) {
    return averagePrecision(cases.get(label), overlap, Area.ALL);
  }

  /** To the bit as published: ten numbers from 0.5 to 0.95 in equal steps. */
  private static double threshold(int i) {
    return i == THRESHOLDS - 1 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / (THRESHOLDS - 1));
  }

  private static double averagePrecision(List<Case> images, double threshold, Area area) {
    List<Verdict> verdicts = new ArrayList<>();
    int objects = 0;
    for (Case image : images) {
      for (Scene.Item item : image.objects) {
        objects += counts(item, area) ? 1 : 0;
      }
      match(image, threshold, area, verdicts);
    }
    if (objects == 0) {
      return Double.NaN;
    }
    // A stable sort: of equal scores the first image's stays first.
    verdicts.sort(Comparator.comparingDouble((Verdict verdict) -> -verdict.score));
    double[] recalls = new double[verdicts.size()];
    double[] precisions = new double[verdicts.size()];
    int right = 0;
    for (int i = 0; i < recalls.length; i++) {
      right += verdicts.get(i).right ? 1 : 0;
      recalls[i] = (double) right / objects;
      precisions[i] = (double) right / (i + 1);
    }
    for (int i = precisions.length - 1; i > 0; i--) {
      precisions[i - 1] = Math.max(precisions[i - 1], precisions[i]);
    }
    double sum = 0;
    int at = 0;
    for (int i = 0; i < RECALLS; i++) {
      // As published: 35 times 0.01 is a little more than 0.35.
      double recall = i == RECALLS - 1 ? 1 : i * 0.01;
      while (at < recalls.length && recalls[at] < recall) {
        at++;
      }
      sum += at < recalls.length ? precisions[at] : 0;
    }
    return sum / RECALLS;
  }

  private static boolean counts(Scene.Item item, Area area) {
    return item.kind() == Scene.Kind.OBJECT && area.contains(item.area());
  }

  private static void match(Case image, double threshold, Area area, List<Verdict> verdicts) {
    List<Scene.Item> objects = new ArrayList<>(image.objects);
    objects.sort(Comparator.comparing(item -> !counts(item, area)));
    boolean[] taken = new boolean[objects.size()];
    for (Found found : image.found) {
      int best = best(found, objects, taken, threshold, area);
      if (best < 0) {
        if (area.contains(Boxes.area(found.box, 0))) {
          verdicts.add(new Verdict(found.score, false));
        }
        continue;
      }
      taken[best] = true;
      if (counts(objects.get(best), area)) {
        verdicts.add(new Verdict(found.score, true));
      }
    }
  }

  /** Those that count stand first. */
  private static int best(
      Found found, List<Scene.Item> objects, boolean[] taken, double threshold, Area area) {
    double most = Math.min(threshold, 1 - 1e-10);
    int best = -1;
    for (int i = 0; i < objects.size(); i++) {
      Scene.Item item = objects.get(i);
      boolean crowd = item.kind() == Scene.Kind.CROWD;
      if (taken[i] && !crowd) {
        continue;
      }
      if (best >= 0 && counts(objects.get(best), area) && !counts(item, area)) {
        break;
      }
      double overlap = crowd ? inside(found, item) : item.overlap(found.box);
      if (overlap >= most) {
        most = overlap;
        best = i;
      }
    }
    return best;
  }

  private static double inside(Found found, Scene.Item item) {
    double area = Boxes.area(found.box, 0);
    return area > 0 ? Boxes.shared(found.box, 0, item.box(), 0) / area : 0;
  }
}
