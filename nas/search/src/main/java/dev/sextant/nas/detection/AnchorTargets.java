package dev.sextant.nas.detection;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.detection.Boxes;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a network is to predict at each anchor (Liu et al., 2016, SSD, section 2.2): an anchor is of
 * the object that it overlaps most where that is at least {@value #LEAST_OVERLAP}, and the anchor
 * that an object overlaps most is of that object in any case; all others are background. Crowds and
 * difficult objects are not learnt.
 *
 * <p>Filled anew for each batch. Confined to one thread.
 */
public final class AnchorTargets {
  /** Overlap (IoU) from which an anchor is of an object. */
  public static final double LEAST_OVERLAP = 0.5;

  /** Class of an anchor with nothing. */
  public static final int BACKGROUND = 0;

  private final Anchors anchors;
  private final int[] labels;
  private final float[] offsets;
  private final double[] overlaps;
  private final float[] edges;
  private final float[] box = new float[Detect.BOX];
  private int count;

  /**
   * For batches of a size.
   *
   * @param anchors of the network
   * @param batch most images at once, at least 1
   */
  public AnchorTargets(Anchors anchors, int batch) {
    this.anchors = anchors;
    labels = new int[Math.multiplyExact(batch, anchors.count())];
    offsets = new float[Math.multiplyExact(Detect.BOX, labels.length)];
    overlaps = new double[anchors.count()];
    edges = new float[Detect.BOX * anchors.count()];
    for (int i = 0; i < edges.length; i++) {
      edges[i] = anchors.edge(i / Detect.BOX, i % Detect.BOX);
    }
  }

  /** {@return the anchors} */
  public Anchors anchors() {
    return anchors;
  }

  /** {@return the images that it was filled for} */
  public int count() {
    return count;
  }

  /**
   * {@return the class that is to be predicted, from 1, or {@link #BACKGROUND}}
   *
   * @param image from 0, below {@link #count}
   * @param anchor from 0
   */
  public int label(int image, int anchor) {
    return labels[image * anchors.count() + anchor];
  }

  /**
   * {@return one of the four offsets that are to be predicted where an anchor is of an object}
   *
   * @param image from 0, below {@link #count}
   * @param anchor from 0
   * @param which 0 to 3, as {@link Anchors} says
   */
  public float offset(int image, int anchor, int which) {
    return offsets[Detect.BOX * (image * anchors.count() + anchor) + which];
  }

  /**
   * Fills in what is to be predicted.
   *
   * @param scenes of a batch's images, as they are seen
   * @throws SextantException if there are more than there is room for, or a class is none of the
   *     network's
   */
  public void set(List<Scene> scenes) {
    if (scenes.size() * anchors.count() > labels.length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "detection: %d scenes, room for %d",
              scenes.size(),
              labels.length / anchors.count()));
    }
    count = scenes.size();
    for (int i = 0; i < count; i++) {
      set(i, scenes.get(i));
    }
  }

  private void set(int image, Scene scene) {
    int first = image * anchors.count();
    Arrays.fill(labels, first, first + anchors.count(), BACKGROUND);
    Arrays.fill(overlaps, LEAST_OVERLAP);
    for (Scene.Item item : scene.objects()) {
      if (item.kind() == Scene.Kind.OBJECT) {
        scale(scene, item);
        for (int anchor = 0; anchor < anchors.count(); anchor++) {
          double overlap = Boxes.overlap(edges, Detect.BOX * anchor, box, 0);
          if (overlap >= overlaps[anchor]) {
            overlaps[anchor] = overlap;
            assign(first, anchor, item.label());
          }
        }
      }
    }
    // Last, so that no object takes another one's best anchor away unless it is its best too.
    for (Scene.Item item : scene.objects()) {
      if (item.kind() == Scene.Kind.OBJECT) {
        scale(scene, item);
        assign(first, best(), item.label());
      }
    }
  }

  private void scale(Scene scene, Scene.Item item) {
    box[0] = item.left() / scene.width();
    box[1] = item.top() / scene.height();
    box[2] = item.right() / scene.width();
    box[3] = item.bottom() / scene.height();
  }

  private int best() {
    int best = 0;
    double most = -1;
    for (int anchor = 0; anchor < anchors.count(); anchor++) {
      double overlap = Boxes.overlap(edges, Detect.BOX * anchor, box, 0);
      if (overlap > most) {
        most = overlap;
        best = anchor;
      }
    }
    return best;
  }

  private void assign(int first, int anchor, int label) {
    if (label >= anchors.classes()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "detection: class %d is none of the network's %d",
              label,
              anchors.classes()));
    }
    labels[first + anchor] = 1 + label;
    anchors.encode(anchor, box, 0, offsets, Detect.BOX * (first + anchor));
  }
}
