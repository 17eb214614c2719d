package dev.sextant.runtime.detection;

import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * From predictions to detections: softmax over background and classes, and for each class the best
 * boxes of which none overlaps a better one much (greedy non-maximum suppression).
 *
 * <p>Takes no memory from the heap after its constructor. Confined to one thread.
 */
public final class BoxSelection {
  /**
   * What is kept.
   *
   * @param minScore least probability of a detection, above 0 and below 1
   * @param maxOverlap most that two boxes of one class share, over their union; 0 to 1
   * @param candidates boxes of one class that are looked at, best first; at least 1
   */
  public record Limits(float minScore, float maxOverlap, int candidates) {
    /** Those of SSDLite's published evaluation. */
    public static final Limits EVALUATION = new Limits(0.001f, 0.55f, 300);

    /** Those of an application, which wants no doubtful boxes. */
    public static final Limits DEFAULT = new Limits(0.3f, 0.5f, 300);

    /** Checks the ranges. */
    public Limits {
      if (!(minScore > 0 && minScore < 1)) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "detection: least score %s is not above 0 and below 1", minScore));
      }
      if (!(maxOverlap >= 0 && maxOverlap <= 1)) {
        throw new SextantException(
            String.format(Locale.ROOT, "detection: overlap %s is not 0 to 1", maxOverlap));
      }
      if (candidates < 1) {
        throw new SextantException(
            String.format(Locale.ROOT, "detection: %d candidates is not at least 1", candidates));
      }
    }
  }

  private final Anchors anchors;
  private final Limits limits;

  /** Of each anchor: its largest logit plus the logarithm of the sum of all exponentials of it. */
  private final double[] logSum;

  /** A heap of the best anchors of a class, worst on top, then sorted. */
  private final int[] found;

  private final float[] score;
  private final float[] boxes;
  private int size;

  /**
   * For a network's predictions.
   *
   * @param anchors of the network
   * @param limits what is kept
   */
  public BoxSelection(Anchors anchors, Limits limits) {
    this.anchors = anchors;
    this.limits = limits;
    logSum = new double[anchors.count()];
    int most = Math.min(limits.candidates, anchors.count());
    found = new int[most];
    score = new float[most];
    boxes = new float[Detect.BOX * most];
  }

  /**
   * Fills in what is found in one image.
   *
   * @param predictions holds {@code [anchors, 4 + 1 + classes]}
   * @param from index of the first number
   * @param width of the image in pixels: boxes are in these
   * @param height of the image in pixels
   * @param detections written
   */
  public void select(
      float[] predictions, int from, float width, float height, Detections detections) {
    detections.clear();
    normalize(predictions, from);
    for (int label = 0; label < anchors.classes(); label++) {
      collect(predictions, from, label);
      sort();
      suppress(predictions, from, width, height, label, detections);
    }
  }

  private void normalize(float[] predictions, int from) {
    int logits = 1 + anchors.classes();
    for (int anchor = 0; anchor < logSum.length; anchor++) {
      int at = from + anchor * anchors.numbers() + Detect.BOX;
      float largest = predictions[at];
      for (int i = 1; i < logits; i++) {
        largest = Math.max(largest, predictions[at + i]);
      }
      double sum = 0;
      for (int i = 0; i < logits; i++) {
        sum += Math.exp(predictions[at + i] - largest);
      }
      logSum[anchor] = largest + Math.log(sum);
    }
  }

  /** The best anchors of a class. */
  private void collect(float[] predictions, int from, int label) {
    size = 0;
    double least = Math.log(limits.minScore);
    int at = from + Detect.BOX + 1 + label;
    for (int anchor = 0; anchor < logSum.length; anchor++) {
      double log = predictions[at] - logSum[anchor];
      at += anchors.numbers();
      if (log >= least) {
        offer(anchor, (float) Math.exp(log));
      }
    }
  }

  private void offer(int anchor, float value) {
    if (size < found.length) {
      found[size] = anchor;
      score[size] = value;
      int child = size++;
      while (child > 0 && isWorse(child, (child - 1) / 2)) {
        swap(child, (child - 1) / 2);
        child = (child - 1) / 2;
      }
    } else if (value > score[0]) {
      found[0] = anchor;
      score[0] = value;
      sink(size);
    }
  }

  /** Of equal scores, the later anchor is the worse. */
  private boolean isWorse(int i, int j) {
    return score[i] < score[j] || (score[i] == score[j] && found[i] > found[j]);
  }

  private void swap(int i, int j) {
    int anchor = found[i];
    found[i] = found[j];
    found[j] = anchor;
    float value = score[i];
    score[i] = score[j];
    score[j] = value;
  }

  private void sink(int length) {
    int parent = 0;
    while (2 * parent + 1 < length) {
      int child = 2 * parent + 1;
      if (child + 1 < length && isWorse(child + 1, child)) {
        child++;
      }
      if (!isWorse(child, parent)) {
        return;
      }
      swap(child, parent);
      parent = child;
    }
  }

  /** Heap sort: the worst go to the end, one after the other. */
  private void sort() {
    for (int length = size - 1; length > 0; length--) {
      swap(0, length);
      sink(length);
    }
  }

  private void suppress(
      float[] predictions, int from, float width, float height, int label, Detections detections) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      int offsets = from + found[i] * anchors.numbers();
      int box = Detect.BOX * kept;
      anchors.decode(found[i], predictions, offsets, width, height, boxes, box);
      if (!overlaps(box, kept)) {
        detections.add(label, score[i], boxes, box);
        kept++;
      }
    }
  }

  private boolean overlaps(int box, int kept) {
    for (int i = 0; i < kept; i++) {
      if (Boxes.overlap(boxes, Detect.BOX * i, boxes, box) > limits.maxOverlap) {
        return true;
      }
    }
    return false;
  }
}
