package dev.sextant.nas.data.scene;

import dev.sextant.runtime.detection.Boxes;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.List;

/**
 * The part of an image that is seen in its stead, stretched to its size, and whether it is mirrored
 * then: boxes go along.
 *
 * @param scene what stands in what is seen, as it is seen
 * @param left edge of the part, as a share of the image's width
 * @param top edge, as a share of its height
 * @param right edge, as a share of its width
 * @param bottom edge, as a share of its height
 * @param mirrored whether left and right are exchanged
 */
public record SceneView(
    Scene scene, double left, double top, double right, double bottom, boolean mirrored) {
  private static final int ATTEMPTS = 50;
  private static final double[] LEAST_OVERLAPS = {0.1, 0.3, 0.5, 0.7, 0.9};

  /**
   * {@return an image as it is}
   *
   * @param scene of the image
   */
  public static SceneView whole(Scene scene) {
    return new SceneView(scene, 0, 0, 1, 1, false);
  }

  /**
   * {@return a random view, as SSD's paper has it (Liu et al., 2016, section 2.2): whole, or a part
   * that keeps at least 0.1, 0.3, 0.5, 0.7 or 0.9 of some object whose centre is in it} What
   * remains of an object counts where its centre is in the part.
   *
   * @param scene of the image
   * @param cut whether it may be a part, which it is in five of six
   * @param flip how probable it is to be mirrored
   * @param rng where it comes from
   */
  public static SceneView random(Scene scene, boolean cut, double flip, Rng rng) {
    SceneView view = cut ? part(scene, rng) : whole(scene);
    return flip > 0 && rng.nextDouble() < flip ? view.mirror() : view;
  }

  private static SceneView part(Scene scene, Rng rng) {
    int mode = rng.nextInt(LEAST_OVERLAPS.length + 1);
    if (mode == LEAST_OVERLAPS.length || scene.objects().isEmpty()) {
      return whole(scene);
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      double width = rng.uniform(0.3, 1);
      double height = rng.uniform(0.3, 1);
      double left = rng.uniform(0, 1 - width);
      double top = rng.uniform(0, 1 - height);
      double ratio = width / height;
      float[] window = {
        (float) (left * scene.width()),
        (float) (top * scene.height()),
        (float) ((left + width) * scene.width()),
        (float) ((top + height) * scene.height())
      };
      if (ratio >= 0.5 && ratio <= 2 && keepsOne(scene, window, LEAST_OVERLAPS[mode])) {
        return new SceneView(inside(scene, window), left, top, left + width, top + height, false);
      }
    }
    return whole(scene);
  }

  /** Whether enough of some object whose centre is in a window is in it. */
  private static boolean keepsOne(Scene scene, float[] window, double least) {
    for (Scene.Item item : scene.objects()) {
      float[] box = item.box();
      if (hasCentre(window, item)
          && Boxes.shared(box, 0, window, 0) >= least * Boxes.area(box, 0)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasCentre(float[] window, Scene.Item item) {
    float x = (item.left() + item.right()) / 2;
    float y = (item.top() + item.bottom()) / 2;
    return x > window[0] && x < window[2] && y > window[1] && y < window[3];
  }

  /** The objects whose centre is in a window, cut off at its edges. */
  private static Scene inside(Scene scene, float[] window) {
    int width = Math.max(1, Math.round(window[2] - window[0]));
    int height = Math.max(1, Math.round(window[3] - window[1]));
    float across = width / (window[2] - window[0]);
    float down = height / (window[3] - window[1]);
    List<Scene.Item> kept = new ArrayList<>();
    for (Scene.Item item : scene.objects()) {
      if (hasCentre(window, item)) {
        kept.add(
            moved(
                item,
                (Math.max(item.left(), window[0]) - window[0]) * across,
                (Math.max(item.top(), window[1]) - window[1]) * down,
                (Math.min(item.right(), window[2]) - window[0]) * across,
                (Math.min(item.bottom(), window[3]) - window[1]) * down));
      }
    }
    return new Scene(width, height, kept);
  }

  private SceneView mirror() {
    List<Scene.Item> items = new ArrayList<>();
    for (Scene.Item item : scene.objects()) {
      items.add(
          moved(
              item,
              scene.width() - item.right(),
              item.top(),
              scene.width() - item.left(),
              item.bottom()));
    }
    return new SceneView(
        new Scene(scene.width(), scene.height(), items), left, top, right, bottom, true);
  }

  private static Scene.Item moved(
      Scene.Item item, float left, float top, float right, float bottom) {
    return new Scene.Item(item.label(), left, top, right, bottom, item.area(), item.kind());
  }
}
