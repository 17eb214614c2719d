package dev.sextant.nas.detection;

import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Normalization;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * Images of one size with what stands in them, in two parts. Immutable.
 *
 * @param name where they came from, for reports
 * @param classNames the name of every class; its index is the label
 * @param train to train on
 * @param test that only a final evaluation looks at
 * @param normalization mean and deviation of the training images
 */
public record Scenes(
    String name, List<String> classNames, Part train, Part test, Normalization normalization) {
  /**
   * One part.
   *
   * @param images at the size that networks take, stretched to it
   * @param scenes of the images, in their order; boxes are in pixels of the images as they were
   */
  public record Part(Images images, List<Scene> scenes) {
    /** Checks that there is a scene for each image. */
    public Part {
      scenes = List.copyOf(scenes);
      if (scenes.size() != images.count()) {
        throw new SextantException(
            String.format(Locale.ROOT, "scenes: %d for %d images", scenes.size(), images.count()));
      }
    }
  }

  /** Checks that the parts fit together and every class has a name. */
  public Scenes {
    classNames = List.copyOf(classNames);
    if (classNames.isEmpty()) {
      throw new SextantException(name + ": there are no classes");
    }
    if (train.images().height() != test.images().height()
        || train.images().width() != test.images().width()
        || train.images().channels() != test.images().channels()) {
      throw new SextantException(name + ": training and test images differ in size");
    }
    check(name, "training", train, classNames.size());
    check(name, "test", test, classNames.size());
  }

  private static void check(String name, String part, Part scenes, int classes) {
    for (int i = 0; i < scenes.scenes().size(); i++) {
      for (Scene.Item item : scenes.scenes().get(i).objects()) {
        if (item.label() >= classes) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: class %d in %s image %d is out of range (there are %d)",
                  name,
                  item.label(),
                  part,
                  i,
                  classes));
        }
      }
    }
  }
}
