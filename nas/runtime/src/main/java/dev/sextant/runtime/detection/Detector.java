package dev.sextant.runtime.detection;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/**
 * A network that looks for objects, ready to answer requests: {@link CompiledModel}, then {@link
 * BoxSelection}.
 *
 * <pre>{@code
 * try (Detector detector = Detector.compile(architecture, Weights.read(path))) {
 *   Detections found = new Detections(100);
 *   detector.detect(pixels, found);
 *   for (int i = 0; i < found.count(); i++) {
 *     draw(found.left(i), found.top(i), found.right(i), found.bottom(i),
 *         detector.className(found.label(i)));
 *   }
 * }
 * }</pre>
 *
 * <p>A call takes no memory of its own. An instance serves one thread at a time; {@link #fork}
 * makes another that shares the weights.
 */
public final class Detector implements AutoCloseable {
  private final CompiledModel model;
  private final Anchors anchors;
  private final List<String> names;
  private final BoxSelection.Limits limits;
  private final BoxSelection selection;
  private final float[] predictions;

  private Detector(CompiledModel model, List<String> names, BoxSelection.Limits limits) {
    this.model = model;
    this.names = names;
    this.limits = limits;
    anchors = Anchors.of(model.architecture());
    selection = new BoxSelection(anchors, limits);
    predictions = new float[model.architecture().outputs()];
  }

  /**
   * Compiles for one thread of the CPU with {@link BoxSelection.Limits#DEFAULT}.
   *
   * @param architecture a network with detect layers
   * @param weights of that network
   * @return a detector that the caller closes
   * @throws SextantException as the other method does
   */
  public static Detector compile(Architecture architecture, Weights weights) {
    return compile(architecture, weights, Device.CPU, 1, BoxSelection.Limits.DEFAULT);
  }

  /**
   * Compiles a network for one image at a time.
   *
   * @param architecture a network with detect layers
   * @param weights of that network
   * @param device where to run
   * @param threads workers that share each kernel, at least 1
   * @param limits which detections are kept
   * @return a detector that the caller closes
   * @throws SextantException if the network does not look for objects, or as {@link
   *     CompiledModel#compile(Architecture, Weights, Device, int, int)} says
   */
  public static Detector compile(
      Architecture architecture,
      Weights weights,
      Device device,
      int threads,
      BoxSelection.Limits limits) {
    Anchors.of(architecture);
    List<String> names = weights.classNames();
    if (!names.isEmpty() && names.size() != architecture.classes()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: the weights name %d of its %d classes",
              architecture.name(),
              names.size(),
              architecture.classes()));
    }
    return new Detector(
        CompiledModel.compile(architecture, weights, device, threads, 1), names, limits);
  }

  /**
   * Another instance for another thread, with the same weights.
   *
   * @return a detector that the caller closes
   */
  public Detector fork() {
    return new Detector(model.fork(), names, limits);
  }

  /** {@return the network} */
  public Architecture architecture() {
    return model.architecture();
  }

  /**
   * {@return the name of a class; its number where the weights name none}
   *
   * @param label as {@link Detections#label} gives it
   */
  public String className(int label) {
    return names.isEmpty() ? Integer.toString(label) : names.get(label);
  }

  /** {@return the boxes that its predictions start from} */
  public Anchors anchors() {
    return anchors;
  }

  /**
   * Looks for objects in pixels, which are scaled as the weights' metadata says.
   *
   * @param pixels unsigned bytes {@code [height, width, channels]} of the network's input
   * @param detections written; boxes in pixels of the network's input
   * @throws SextantException as {@link CompiledModel#runPixels(byte[], float[])} does
   */
  public void detect(byte[] pixels, Detections detections) {
    Architecture.Input input = architecture().input();
    detect(pixels, input.width(), input.height(), detections);
  }

  /**
   * The same for an image that was resized to the network's input: boxes are in pixels of the image
   * before.
   *
   * @param pixels unsigned bytes {@code [height, width, channels]} of the network's input
   * @param width of the image before, at least 1
   * @param height of the image before, at least 1
   * @param detections written
   * @throws SextantException as the other method does, or if a side is not at least 1
   */
  public void detect(byte[] pixels, int width, int height, Detections detections) {
    if (width < 1 || height < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "detector: an image of %d x %d pixels", width, height));
    }
    model.runPixels(pixels, predictions);
    selection.select(predictions, 0, width, height, detections);
  }

  /**
   * Looks for objects in an image that is already normalised.
   *
   * @param image floats {@code [height, width, channels]}
   * @param detections written; boxes in pixels of the network's input
   * @throws SextantException as {@link CompiledModel#run(float[], float[])} does
   */
  public void detect(float[] image, Detections detections) {
    Architecture.Input input = architecture().input();
    model.run(image, predictions);
    selection.select(predictions, 0, input.width(), input.height(), detections);
  }

  /** Runs until the time of a run stabilises, as {@link CompiledModel#warmUp} does. */
  public void warmUp() {
    model.warmUp();
  }

  /** Gives the buffers back, and the weights where it was the last that shared them. Idempotent. */
  @Override
  public void close() {
    model.close();
  }
}
