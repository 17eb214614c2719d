package dev.sextant.nas.train;

import dev.sextant.nas.data.Images;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.Locale;

/** What the compiled model, which is what an application runs, makes of labelled images. */
public final class Evaluation {
  private static final int BATCH = 100;

  private Evaluation() {}

  /**
   * {@return the share of images whose largest logit (the first of equals) is at the label}
   *
   * @param architecture of the network
   * @param weights of the network, as it was trained
   * @param images to be classified
   * @param device where the compiled network runs
   * @param threads workers that share each kernel
   * @throws SextantException if images and network do not fit, or the weights are not the network's
   */
  public static double accuracy(
      Architecture architecture, Weights weights, Images images, Device device, int threads) {
    return accuracy(labels(architecture, weights, images, device, threads), images);
  }

  /**
   * {@return the share of labels that are those of the images}
   *
   * @param labels as {@link #labels} gives them
   * @param images that were classified
   */
  public static double accuracy(int[] labels, Images images) {
    int correct = 0;
    for (int i = 0; i < labels.length; i++) {
      correct += labels[i] == images.label(i) ? 1 : 0;
    }
    return (double) correct / images.count();
  }

  /**
   * {@return where the largest logit of each image is, the first of equals}
   *
   * @param architecture of the network
   * @param weights of the network, as it was trained
   * @param images to be classified
   * @param device where the compiled network runs
   * @param threads workers that share each kernel
   * @throws SextantException if images and network do not fit, or the weights are not the network's
   */
  public static int[] labels(
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
    architecture.requireClassifier();
    int batch = Math.min(BATCH, images.count());
    int classes = architecture.classes();
    byte[] pixels = new byte[batch * images.imageBytes()];
    float[] logits = new float[batch * classes];
    int[] labels = new int[images.count()];
    try (CompiledModel model =
        CompiledModel.compile(architecture, weights, device, threads, batch)) {
      for (int from = 0; from < images.count(); from += batch) {
        int count = Math.min(batch, images.count() - from);
        for (int i = 0; i < count; i++) {
          images.copyPixels(from + i, pixels, i * images.imageBytes());
        }
        model.runPixels(pixels, logits);
        for (int i = 0; i < count; i++) {
          labels[from + i] = argmax(logits, i * classes, classes);
        }
      }
    }
    return labels;
  }

  private static int argmax(float[] values, int from, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
      if (values[from + i] > values[from + best]) {
        best = i;
      }
    }
    return best;
  }
}
