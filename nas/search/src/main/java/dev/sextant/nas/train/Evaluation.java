package dev.sextant.nas.train;

import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.MeanAveragePrecision;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/** What the compiled model, which is what an application runs, makes of images that are known. */
public sealed interface Evaluation {
  /**
   * What a classifier takes images for.
   *
   * @param labels where the largest logit of each image is, the first of equals
   * @param score the share of images where that is the label
   */
  record Labels(int[] labels, double score) implements Evaluation {}

  /**
   * What a detector finds.
   *
   * @param precision by COCO's metric
   * @param shown of the first images, at most {@value #SHOWN}: what an application would be told
   */
  record Objects(MeanAveragePrecision precision, List<Scene> shown) implements Evaluation {
    /** {@return mean average precision at overlaps of 0.5 to 0.95; 0 where there are no objects} */
    @Override
    public double score() {
      return orNothing(precision.value());
    }

    /** {@return mean average precision at an overlap of 0.5; 0 where there are no objects} */
    public double scoreAtHalf() {
      return orNothing(precision.value(0.5));
    }

    private static double orNothing(double value) {
      return Double.isNaN(value) ? 0 : value;
    }
  }

  /** Images at once. */
  int BATCH = 100;

  /** Images of which a detector's finds are kept. */
  int SHOWN = 24;

  /**
   * {@return what {@link #score} is called: {@code accuracy}, or of a detector {@code mAP}}
   *
   * @param architecture that is evaluated
   */
  static String measure(Architecture architecture) {
    return architecture.detects() ? "mAP" : "accuracy";
  }

  /** {@return how good it is, 0 to 1: accuracy, or mean average precision} */
  double score();

  /**
   * {@return what a network makes of images}
   *
   * @param architecture of the network
   * @param weights of the network, as it was trained
   * @param images to be looked at; with boxes where the network looks for objects
   * @param device where the compiled network runs
   * @param threads workers that share each kernel
   * @throws SextantException if images and network do not fit, or the weights are not the network's
   */
  static Evaluation of(
      Architecture architecture, Weights weights, Images images, Device device, int threads) {
    Architecture.Input input = architecture.input();
    if (input.height() != images.height()
        || input.width() != images.width()
        || input.channels() != images.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: takes images of %dx%dx%d, these are %dx%dx%d",
              architecture.name(),
              input.height(),
              input.width(),
              input.channels(),
              images.height(),
              images.width(),
              images.channels()));
    }
    requireTask(architecture, images);
    int batch = Math.min(BATCH, images.count());
    Judge judge =
        architecture.detects()
            ? new Judge.Boxes(architecture, images)
            : new Judge.Largest(architecture, images);
    int outputs = architecture.outputs();
    byte[] pixels = new byte[batch * images.imageBytes()];
    float[] numbers = new float[batch * outputs];
    try (CompiledModel model =
        CompiledModel.compile(architecture, weights, device, threads, batch)) {
      for (int from = 0; from < images.count(); from += batch) {
        int count = Math.min(batch, images.count() - from);
        for (int i = 0; i < count; i++) {
          images.copyPixels(from + i, pixels, i * images.imageBytes());
        }
        model.runPixels(pixels, numbers);
        for (int i = 0; i < count; i++) {
          judge.image(from + i, numbers, i * outputs);
        }
      }
    }
    return judge.result();
  }

  /**
   * Refuses a detector for images of which labels alone are known, and a classifier for those with
   * boxes.
   *
   * @param architecture of a network
   * @param images that it is trained or judged on
   * @throws SextantException saying what is needed
   */
  static void requireTask(Architecture architecture, Images images) {
    if (architecture.detects() != images.hasScenes()) {
      throw new SextantException(
          architecture.name()
              + (architecture.detects()
                  ? ": looks for objects, which takes images with boxes (--data scenes:N, or a"
                      + " folder of COCO or Pascal VOC)"
                  : ": names the class of an image, these have boxes (a network or a space with"
                      + " detect layers looks for objects)"));
    }
  }
}
