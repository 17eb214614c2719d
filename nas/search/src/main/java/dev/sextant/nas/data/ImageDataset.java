package dev.sextant.nas.data;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * Labelled images in memory, in two parts of one image size.
 *
 * @param name where it came from, for logs and reports
 * @param classNames the name of every class, at least 2; its index is the label
 * @param train images to search and train on (a validation part is cut from them by {@link Split})
 * @param test images that only a final evaluation looks at
 * @param normalization mean and deviation of the training images
 * @param leftOut image files that could not be read and were left out as asked for
 */
public record ImageDataset(
    String name,
    List<String> classNames,
    Images train,
    Images test,
    Normalization normalization,
    int leftOut) {

  /** Checks that both parts have one image size and labels below the number of classes. */
  public ImageDataset {
    classNames = List.copyOf(classNames);
    if (train.hasScenes() != test.hasScenes()) {
      throw new SextantException(name + ": only one of its parts has boxes");
    }
    // What is no object is a class of a detector's own.
    if (classNames.size() < (train.hasScenes() ? 1 : 2)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: a data set needs at least 2 classes, this has %d",
              name,
              classNames.size()));
    }
    if (train.height() != test.height()
        || train.width() != test.width()
        || train.channels() != test.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: training images are [%d,%d,%d], test images [%d,%d,%d]",
              name,
              train.height(),
              train.width(),
              train.channels(),
              test.height(),
              test.width(),
              test.channels()));
    }
    checkLabels(name, "training", train, classNames.size());
    checkLabels(name, "test", test, classNames.size());
    if (normalization.channels() != train.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images have %d channels, the normalization %d",
              name,
              train.channels(),
              normalization.channels()));
    }
  }

  /**
   * {@return a data set whose normalization is computed from its training images}
   *
   * @param name what reports call it
   * @param classNames names by label; empty if there are none
   * @param train training images
   * @param test test images, of the same size
   */
  public static ImageDataset of(String name, List<String> classNames, Images train, Images test) {
    return new ImageDataset(name, classNames, train, test, Normalization.of(train), 0);
  }

  /** The same, of which so many image files were left out. */
  ImageDataset withLeftOut(int files) {
    return new ImageDataset(name, classNames, train, test, normalization, files);
  }

  /**
   * The same images at another size (shorter side, then centre crop) and with those channels,
   * normalised by themselves; itself if nothing changes.
   */
  ImageDataset fitted(DataOptions options) {
    int channels =
        switch (options.color()) {
          case AUTO -> channels();
          case GRAY -> 1;
          case RGB -> 3;
        };
    int size = options.imageSize();
    if (channels == channels() && (size == 0 || size == height() && size == width())) {
      return this;
    }
    return of(name, classNames, train.fitted(size, channels), test.fitted(size, channels));
  }

  /**
   * {@return the same images at another size: the shorter side is scaled to it, then the centre is
   * cut out; itself if they have that size}
   *
   * @param size of either side, at least 1
   */
  public ImageDataset resized(int size) {
    return fitted(DataOptions.DEFAULT.withImageSize(size));
  }

  /**
   * {@return the same images with the labels that a model gives them, found by the names of the
   * classes ({@link ClassNames#match})}
   *
   * @param names the model's classes, in the order of its logits
   * @throws SextantException if a class of the images is none of the model's
   */
  public ImageDataset withClasses(List<String> names) {
    int[] match = ClassNames.match(names, classNames, name);
    return new ImageDataset(
        name, names, train.relabelled(match), test.relabelled(match), normalization, leftOut);
  }

  /**
   * {@return the same images normalised otherwise, such as those that a model was trained on}
   *
   * @param other of as many channels
   */
  public ImageDataset withNormalization(Normalization other) {
    return new ImageDataset(name, classNames, train, test, other, leftOut);
  }

  /**
   * {@return the same test images with fewer training images, of which every class keeps its share;
   * itself if it has no more}
   *
   * @param images training images to keep, at least 1
   */
  public ImageDataset withTraining(int images) {
    if (images >= train.count()) {
      return this;
    }
    int[] kept = Split.stratifiedCount(train, images, 0).validation();
    return new ImageDataset(name, classNames, train.select(kept), test, normalization, leftOut);
  }

  private static void checkLabels(String name, String part, Images images, int classes) {
    for (int i = 0; i < images.count(); i++) {
      if (images.label(i) >= classes) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: label %d of %s image %d is out of range (there are %d classes)",
                name,
                images.label(i),
                part,
                i,
                classes));
      }
      if (images.hasScenes()) {
        checkObjects(name, part, images.scene(i), i, classes);
      }
    }
  }

  private static void checkObjects(String name, String part, Scene scene, int image, int classes) {
    for (Scene.Item item : scene.objects()) {
      if (item.label() >= classes) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: class %d in %s image %d is out of range (there are %d)",
                name,
                item.label(),
                part,
                image,
                classes));
      }
    }
  }

  /** {@return rows H of every image} */
  public int height() {
    return train.height();
  }

  /** {@return columns W of every image} */
  public int width() {
    return train.width();
  }

  /** {@return channels C of every image} */
  public int channels() {
    return train.channels();
  }

  /** {@return the number of classes} */
  public int classes() {
    return classNames.size();
  }

  /** With the folder that it is from. */
  @Override
  public String toString() {
    return described(name);
  }

  /** {@return the same text wherever its folder is: with the last part of its name alone} */
  public String withoutPlace() {
    return described(name.replaceFirst("[/\\\\]+$", "").replaceFirst(".*[/\\\\]", ""));
  }

  private String described(String called) {
    String text =
        String.format(
            Locale.ROOT,
            "%s: %d training and %d test images [%d,%d,%d] of %d classes",
            called,
            train.count(),
            test.count(),
            height(),
            width(),
            channels(),
            classes());
    return leftOut == 0
        ? text
        : text + String.format(Locale.ROOT, ", %d damaged files left out", leftOut);
  }
}
