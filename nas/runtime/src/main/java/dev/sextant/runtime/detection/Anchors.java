package dev.sextant.runtime.detection;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;

/**
 * The boxes that a detecting network's predictions start from, and how predictions say boxes (Liu
 * et al., 2016, SSD, section 2.2).
 *
 * <p>At the centre of pixel (x, y) of a feature map of W x H, which is ((x + 1/2) / W, (y + 1/2) /
 * H) of the image, stand a square of side s, one of side sqrt(s s') where s' is given, and for each
 * further ratio r a box of s sqrt(r) x s / sqrt(r) and one of s / sqrt(r) x s sqrt(r); s and s' are
 * {@link Detect#scale} and {@link Detect#nextScale}, and no side is longer than the image's.
 * Anchors follow each other by predictor, row, column, shape.
 *
 * <p>A box (cx, cy, w, h) is predicted as ((cx - ax) / (aw v), (cy - ay) / (ah v), ln(w / aw) / u,
 * ln(h / ah) / u) with v = {@value #CENTRE} and u = {@value #SIZE}, SSD's variances.
 *
 * <p>Immutable.
 */
public final class Anchors {
  /** What offsets of a centre are in units of, times the anchor's side. */
  public static final double CENTRE = 0.1;

  /** What logarithms of sides are in units of. */
  public static final double SIZE = 0.2;

  /** Longest side that is predicted over the anchor's: what else would overflow to infinity. */
  private static final double MOST_GROWTH = Math.log(1000.0 / 16);

  private final int classes;

  /** Centre x, centre y, width, height of each, in units of the image's sides. */
  private final float[] boxes;

  private Anchors(int classes, float[] boxes) {
    this.classes = classes;
    this.boxes = boxes;
  }

  /**
   * {@return the anchors of a network}
   *
   * @param architecture with {@link Detect} layers
   * @throws SextantException if it has none
   */
  public static Anchors of(Architecture architecture) {
    if (!architecture.detects()) {
      throw new SextantException(
          architecture.name() + ": does not look for objects, it has no detect layer");
    }
    List<Shape> inputs = architecture.shapes();
    int numbers = Detect.BOX + 1 + architecture.classes();
    float[] boxes = new float[Detect.BOX * (architecture.outputs() / numbers)];
    int at = 0;
    for (int i = 0; i < architecture.layers().size(); i++) {
      if (architecture.layers().get(i) instanceof Detect detect) {
        at = put(detect, inputs.get(i), boxes, at);
      }
    }
    return new Anchors(architecture.classes(), boxes);
  }

  private static int put(Detect detect, Shape map, float[] boxes, int from) {
    int height = map.get(1);
    int width = map.get(2);
    int at = from;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double cx = (x + 0.5) / width;
        double cy = (y + 0.5) / height;
        at = put(cx, cy, detect.scale(), detect.scale(), boxes, at);
        if (detect.nextScale() > 0) {
          double between = Math.sqrt(detect.scale() * detect.nextScale());
          at = put(cx, cy, between, between, boxes, at);
        }
        for (int ratio = 2; ratio <= detect.ratios(); ratio++) {
          double root = Math.sqrt(ratio);
          at = put(cx, cy, detect.scale() * root, detect.scale() / root, boxes, at);
          at = put(cx, cy, detect.scale() / root, detect.scale() * root, boxes, at);
        }
      }
    }
    return at;
  }

  private static int put(double cx, double cy, double width, double height, float[] boxes, int at) {
    boxes[at] = (float) cx;
    boxes[at + 1] = (float) cy;
    boxes[at + 2] = (float) Math.min(1, width);
    boxes[at + 3] = (float) Math.min(1, height);
    return at + Detect.BOX;
  }

  /** {@return how many there are} */
  public int count() {
    return boxes.length / Detect.BOX;
  }

  /** {@return the kinds of objects, the background not counted} */
  public int classes() {
    return classes;
  }

  /** {@return the numbers that are predicted for each anchor: a box and 1 + classes logits} */
  public int numbers() {
    return Detect.BOX + 1 + classes;
  }

  /**
   * {@return the left, upper, right or lower edge of an anchor, in units of the image's side}
   *
   * @param anchor from 0
   * @param edge 0 to 3, in that order
   */
  public float edge(int anchor, int edge) {
    int at = Detect.BOX * anchor + (edge & 1);
    float half = boxes[at + 2] / 2;
    return edge < 2 ? boxes[at] - half : boxes[at] + half;
  }

  /**
   * Writes the box that offsets say, as its left, upper, right and lower edge.
   *
   * @param anchor from 0
   * @param offsets holds the four
   * @param from index of the first
   * @param width that the image's width is counted as
   * @param height that the image's height is counted as
   * @param box four numbers, written; cut off at the image's edges
   * @param to index of the first
   */
  public void decode(
      int anchor, float[] offsets, int from, float width, float height, float[] box, int to) {
    int at = Detect.BOX * anchor;
    for (int axis = 0; axis < 2; axis++) {
      float side = axis == 0 ? width : height;
      double size = boxes[at + 2 + axis];
      double centre = boxes[at + axis] + CENTRE * offsets[from + axis] * size;
      double half = size * Math.exp(Math.min(MOST_GROWTH, SIZE * offsets[from + 2 + axis])) / 2;
      box[to + axis] = (float) Math.clamp((centre - half) * side, 0, side);
      box[to + 2 + axis] = (float) Math.clamp((centre + half) * side, 0, side);
    }
  }

  /**
   * Writes the offsets that say a box: what a network is to predict.
   *
   * @param anchor from 0
   * @param box its left, upper, right and lower edge, in units of the image's sides; sides above 0
   * @param from index of the first
   * @param offsets four numbers, written
   * @param to index of the first
   */
  public void encode(int anchor, float[] box, int from, float[] offsets, int to) {
    int at = Detect.BOX * anchor;
    for (int axis = 0; axis < 2; axis++) {
      double low = box[from + axis];
      double high = box[from + 2 + axis];
      double size = boxes[at + 2 + axis];
      offsets[to + axis] = (float) (((low + high) / 2 - boxes[at + axis]) / (size * CENTRE));
      offsets[to + 2 + axis] = (float) (Math.log((high - low) / size) / SIZE);
    }
  }
}
