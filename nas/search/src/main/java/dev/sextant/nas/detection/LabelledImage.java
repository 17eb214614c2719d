package dev.sextant.nas.detection;

import dev.sextant.nas.data.scene.Scene;
import java.util.List;

/**
 * What a file of labels says of one image.
 *
 * @param file name of the image, without folders
 * @param width in pixels
 * @param height in pixels
 * @param objects in the order of the file
 */
record LabelledImage(String file, int width, int height, List<NamedBox> objects) {
  /**
   * A box and the name of its class.
   *
   * @param area in pixels
   */
  record NamedBox(
      String name,
      double left,
      double top,
      double right,
      double bottom,
      double area,
      Scene.Kind kind) {}

  /** Most pixels of a side. */
  static final int MOST_SIDE = 1 << 16;

  /** Whether a name stays in its folder. */
  static boolean isPlain(String file) {
    return !file.isEmpty()
        && file.length() < 256
        && !file.equals(".")
        && !file.equals("..")
        && file.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ');
  }
}
