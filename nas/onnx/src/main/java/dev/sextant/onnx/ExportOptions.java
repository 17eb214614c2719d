package dev.sextant.onnx;

import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * How a network is written as ONNX. Immutable.
 *
 * @param batch images of one run; {@link #DYNAMIC} for any number, named {@code N} in the file
 * @param keepBatchNorm whether batch norms stay nodes of their own with the weights' names, or else
 *     are folded into the convolutions
 * @param pixels whether the network takes unsigned bytes {@code [N, H, W, C]} and scales them
 *     itself, or else images {@code [N, C, H, W]} that are normalised
 * @param halves whether weights are kept as 16-bit floats; it computes with 32 bits all the same
 * @param milliseconds of each layer, kept with its last node; empty where none were measured
 */
public record ExportOptions(
    int batch, boolean keepBatchNorm, boolean pixels, boolean halves, List<Double> milliseconds) {
  /** Any number of images. */
  public static final int DYNAMIC = 0;

  /** Any number of normalised images, batch norms folded, weights as they are. */
  public static final ExportOptions DEFAULT =
      new ExportOptions(DYNAMIC, false, false, false, List.of());

  /** Checks the batch. */
  public ExportOptions {
    if (batch < 0) {
      throw new SextantException(
          String.format(Locale.ROOT, "onnx: batch %d is not at least 1", batch));
    }
    milliseconds = List.copyOf(milliseconds);
  }

  /**
   * {@return the same for that many images}
   *
   * @param images of one run, or {@link #DYNAMIC}
   */
  public ExportOptions withBatch(int images) {
    return new ExportOptions(images, keepBatchNorm, pixels, halves, milliseconds);
  }

  /** {@return the same with batch norms as nodes of their own} */
  public ExportOptions keepingBatchNorm() {
    return new ExportOptions(batch, true, pixels, halves, milliseconds);
  }

  /** {@return the same that takes pixels} */
  public ExportOptions takingPixels() {
    return new ExportOptions(batch, keepBatchNorm, true, halves, milliseconds);
  }

  /** {@return the same with weights of 16 bits} */
  public ExportOptions withHalves() {
    return new ExportOptions(batch, keepBatchNorm, pixels, true, milliseconds);
  }

  /**
   * {@return the same with measured times}
   *
   * @param ofLayers milliseconds, one for each layer
   */
  public ExportOptions withMilliseconds(List<Double> ofLayers) {
    return new ExportOptions(batch, keepBatchNorm, pixels, halves, ofLayers);
  }
}
