package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import org.jspecify.annotations.Nullable;

/**
 * Random changes of training images, in this order: crop, horizontal flip, colour jitter,
 * normalisation, cutout. What happens to image i in epoch e depends on (seed, e, i) alone.
 *
 * @param flip probability of a horizontal flip
 * @param cropPadding pixels of black added on each side before a crop of the image's own size at a
 *     random place; 0 for none, and 0 with a resized crop
 * @param resizedCrop crop of random area and aspect ratio, resized to the image's size, or null
 * @param jitter colour jitter, or null
 * @param cutout side of a square, its centre uniform over the image, set to zero after
 *     normalisation and clipped at the border (DARTS); 0 for none
 */
public record Augmentation(
    double flip,
    int cropPadding,
    @Nullable ResizedCrop resizedCrop,
    @Nullable ColorJitter jitter,
    int cutout) {

  /**
   * A crop whose area is a uniform share of the image and whose aspect ratio is log-uniform,
   * resized by bilinear interpolation (Szegedy et al. 2015, as in torchvision: ten attempts, then
   * the largest centred crop within the ratios).
   *
   * @param minScale least share of the image's area
   * @param maxScale greatest share of the image's area
   * @param minRatio least width / height
   * @param maxRatio greatest width / height
   */
  public record ResizedCrop(double minScale, double maxScale, double minRatio, double maxRatio) {
    /** Checks the ranges. */
    public ResizedCrop {
      if (!(minScale > 0 && minScale <= maxScale && maxScale <= 1)) {
        throw new SextantException(
            "augmentation: crop scales %s to %s are not within 0 and 1"
                .formatted(minScale, maxScale));
      }
      if (!(minRatio > 0 && minRatio <= maxRatio && maxRatio < Double.POSITIVE_INFINITY)) {
        throw new SextantException(
            "augmentation: crop ratios %s to %s are not a positive range"
                .formatted(minRatio, maxRatio));
      }
    }
  }

  /**
   * Brightness, contrast and saturation factors uniform in [max(0, 1 - x), 1 + x] and a hue shift
   * uniform in [-hue, hue] of a full turn, applied in random order (as in torchvision). Saturation
   * and hue leave gray images as they are.
   *
   * @param brightness x of the brightness factor, at least 0
   * @param contrast x of the contrast factor, at least 0
   * @param saturation x of the saturation factor, at least 0
   * @param hue largest hue shift, as a share of a full turn
   */
  public record ColorJitter(double brightness, double contrast, double saturation, double hue) {
    /** Checks the ranges. */
    public ColorJitter {
      if (!(finite(brightness)
          && finite(contrast)
          && finite(saturation)
          && hue >= 0
          && hue <= 0.5)) {
        throw new SextantException(
            "augmentation: colour jitter %s, %s, %s, %s is negative or its hue exceeds 0.5"
                .formatted(brightness, contrast, saturation, hue));
      }
    }

    private static boolean finite(double x) {
      return x >= 0 && x < Double.POSITIVE_INFINITY;
    }
  }

  /** Checks the ranges. */
  public Augmentation {
    if (!(flip >= 0 && flip <= 1)) {
      throw new SextantException(
          "augmentation: flip probability %s is not between 0 and 1".formatted(flip));
    }
    if (cropPadding < 0 || cutout < 0) {
      throw new SextantException(
          "augmentation: crop padding %d or cutout %d is negative".formatted(cropPadding, cutout));
    }
    if (cropPadding > 0 && resizedCrop != null) {
      throw new SextantException(
          "augmentation: a padded crop and a resized crop exclude each other");
    }
  }

  /** {@return normalisation alone, as in evaluation} */
  public static Augmentation none() {
    return new Augmentation(0, 0, null, null, 0);
  }

  /**
   * {@return flip and padded crop: 2 pixels for images below 32, an eighth of the image from there
   * on (4 at 32)}
   *
   * @param imageSize shorter side of the images, in pixels
   */
  public static Augmentation light(int imageSize) {
    return new Augmentation(
        0.5, imageSize < 32 ? Math.min(2, imageSize / 2) : imageSize / 8, null, null, 0);
  }

  /** {@return CIFAR training in the DARTS code: flip, crop with padding 4, cutout 16} */
  public static Augmentation cifar() {
    return new Augmentation(0.5, 4, null, null, 16);
  }

  /**
   * {@return ImageNet training in the ProxylessNAS code ('normal'): resized crop, flip, colour
   * jitter}
   */
  public static Augmentation imagenet() {
    return new Augmentation(
        0.5,
        0,
        new ResizedCrop(0.08, 1, 3 / 4.0, 4 / 3.0),
        new ColorJitter(32 / 255.0, 0, 0.5, 0),
        0);
  }

  /**
   * {@return the preset of that name: {@code none}, {@code light}, {@code cifar} or {@code
   * imagenet}}
   *
   * @param name of the preset
   * @param imageSize shorter side of the images, in pixels
   */
  public static Augmentation preset(String name, int imageSize) {
    return switch (name) {
      case "none" -> none();
      case "light" -> light(imageSize);
      case "cifar" -> cifar();
      case "imagenet" -> imagenet();
      default ->
          throw new SextantException(
              "augmentation '%s' is unknown (known: none, light, cifar, imagenet)".formatted(name));
    };
  }
}
