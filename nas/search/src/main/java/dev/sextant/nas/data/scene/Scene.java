package dev.sextant.nas.data.scene;

import dev.sextant.runtime.detection.Boxes;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * What stands in one image. Immutable.
 *
 * @param width of the image that boxes are in pixels of, at least 1
 * @param height of that image, at least 1
 * @param objects in any order; none in an empty scene
 */
public record Scene(int width, int height, List<Item> objects) {
  /** How an object counts. */
  public enum Kind {
    /** It is to be found. */
    OBJECT,
    /** A crowd as COCO has them: whatever is found in it is neither right nor wrong. */
    CROWD,
    /** Difficult as Pascal VOC has it: found or not, it does not count. */
    DIFFICULT
  }

  /**
   * One object.
   *
   * @param label its class, from 0
   * @param left edge in pixels
   * @param top edge in pixels
   * @param right edge in pixels, above left
   * @param bottom edge in pixels, above top
   * @param area in pixels, which sizes of objects are told by: that of its outline where known
   * @param kind how it counts
   */
  public record Item(
      int label, float left, float top, float right, float bottom, double area, Kind kind) {
    /** Checks the edges. */
    public Item {
      if (label < 0) {
        throw new SextantException(
            String.format(Locale.ROOT, "scene: class %d is negative", label));
      }
      if (!(left < right && top < bottom)
          || !Float.isFinite(right - left)
          || !Float.isFinite(bottom - top)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "scene: a box from (%s, %s) to (%s, %s) has no area",
                left,
                top,
                right,
                bottom));
      }
    }

    /**
     * An object to be found whose outline is its box.
     *
     * @param label its class, from 0
     * @param left edge in pixels
     * @param top edge in pixels
     * @param right edge in pixels, above left
     * @param bottom edge in pixels, above top
     */
    public Item(int label, float left, float top, float right, float bottom) {
      this(
          label,
          left,
          top,
          right,
          bottom,
          ((double) right - left) * ((double) bottom - top),
          Kind.OBJECT);
    }

    /**
     * {@return the same object as one of another class}
     *
     * @param other its label
     */
    Item withLabel(int other) {
      return new Item(other, left, top, right, bottom, area, kind);
    }

    /** {@return the left, upper, right and lower edge} */
    public float[] box() {
      return new float[] {left, top, right, bottom};
    }

    /**
     * {@return its area over its union with a box (IoU)}
     *
     * @param box four edges
     */
    public double overlap(float[] box) {
      return Boxes.overlap(box(), 0, box, 0);
    }
  }

  /**
   * {@return the same objects with the labels that stand at the place of their own}
   *
   * @param byLabel for each label
   */
  public Scene relabelled(int[] byLabel) {
    return new Scene(
        width,
        height,
        objects.stream().map(item -> item.withLabel(byLabel[item.label()])).toList());
  }

  /** Checks the sizes. */
  public Scene {
    objects = List.copyOf(objects);
    if (width < 1 || height < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "scene: an image of %d x %d pixels", width, height));
    }
  }
}
