package dev.sextant.runtime.detection;

import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.Objects;

/**
 * What was found in one image, best first: written again by each call that fills it, so that
 * nothing is allocated. Confined to one thread.
 */
public final class Detections {
  private final float[] boxes;
  private final float[] scores;
  private final int[] classes;
  private int count;

  /**
   * Room for some objects.
   *
   * @param most that it holds, at least 1
   */
  public Detections(int most) {
    if (most < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "detections: room for %d is not at least 1", most));
    }
    boxes = new float[4 * most];
    scores = new float[most];
    classes = new int[most];
  }

  /** {@return how many were found} */
  public int count() {
    return count;
  }

  /** {@return the most that it holds} */
  public int most() {
    return scores.length;
  }

  /**
   * {@return the class of a detection, from 0}
   *
   * @param i from 0, below {@link #count}
   */
  public int label(int i) {
    return classes[Objects.checkIndex(i, count)];
  }

  /**
   * {@return the probability of that class}
   *
   * @param i from 0, below {@link #count}
   */
  public float score(int i) {
    return scores[Objects.checkIndex(i, count)];
  }

  /**
   * {@return the left edge in pixels}
   *
   * @param i from 0, below {@link #count}
   */
  public float left(int i) {
    return boxes[4 * Objects.checkIndex(i, count)];
  }

  /**
   * {@return the upper edge in pixels}
   *
   * @param i from 0, below {@link #count}
   */
  public float top(int i) {
    return boxes[4 * Objects.checkIndex(i, count) + 1];
  }

  /**
   * {@return the right edge in pixels}
   *
   * @param i from 0, below {@link #count}
   */
  public float right(int i) {
    return boxes[4 * Objects.checkIndex(i, count) + 2];
  }

  /**
   * {@return the lower edge in pixels}
   *
   * @param i from 0, below {@link #count}
   */
  public float bottom(int i) {
    return boxes[4 * Objects.checkIndex(i, count) + 3];
  }

  /** Forgets all. */
  public void clear() {
    count = 0;
  }

  /**
   * Takes one in at its place: of equal scores the first stays first, and where there is no room
   * the worst falls out.
   *
   * @param label its class, from 0
   * @param score probability of that class
   * @param box holds the left, upper, right and lower edge in pixels
   * @param from index of the left edge
   */
  public void add(int label, float score, float[] box, int from) {
    if (count == scores.length) {
      if (score <= scores[count - 1]) {
        return;
      }
      count--;
    }
    int place = count;
    while (place > 0 && scores[place - 1] < score) {
      place--;
    }
    int moved = count - place;
    System.arraycopy(scores, place, scores, place + 1, moved);
    System.arraycopy(classes, place, classes, place + 1, moved);
    System.arraycopy(boxes, 4 * place, boxes, 4 * place + 4, 4 * moved);
    scores[place] = score;
    classes[place] = label;
    System.arraycopy(box, from, boxes, 4 * place, 4);
    count++;
  }
}
