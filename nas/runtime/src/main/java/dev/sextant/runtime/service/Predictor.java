package dev.sextant.runtime.service;

import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.tensor.SextantException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Classifies images for whoever asks: the interface a service codes against, so that it can be
 * tested without a network. Safe for any number of threads, virtual ones too.
 *
 * <p>Images and logits are memory segments, which arrays and buffers become without a copy: {@code
 * MemorySegment.ofArray(bytes)}, {@code MemorySegment.ofBuffer(floatBuffer)}.
 */
public interface Predictor extends AutoCloseable {
  /**
   * {@return the likeliest classes of one image of unsigned bytes, the likeliest first}
   *
   * @param pixels as {@link CompiledModel#runPixels(MemorySegment, CompiledModel.Order,
   *     MemorySegment)} takes them
   * @param order of the pixels
   * @param k how many classes, at least 1
   * @throws SextantException if the image has another size, the predictor is closed or overloaded
   */
  List<Prediction> classify(MemorySegment pixels, CompiledModel.Order order, int k);

  /**
   * {@return the likeliest classes of one image of any size, the likeliest first; it is brought to
   * the network's size and channels as in training}
   *
   * @param image gray or in colour
   * @param k how many classes, at least 1
   * @throws SextantException if the predictor is closed or overloaded
   */
  List<Prediction> classify(Pixels image, int k);

  /**
   * Computes the logits of images that are normalised.
   *
   * @param images as {@link CompiledModel#run(MemorySegment, CompiledModel.Order, MemorySegment)}
   *     takes them
   * @param order of the images
   * @param logits floats {@code [count, classes]}, overwritten
   * @throws SextantException as {@link #classify(MemorySegment, CompiledModel.Order, int)} does
   */
  void run(MemorySegment images, CompiledModel.Order order, MemorySegment logits);

  /**
   * Computes the logits of images of unsigned bytes.
   *
   * @param pixels as {@link CompiledModel#runPixels(MemorySegment, CompiledModel.Order,
   *     MemorySegment)} takes them
   * @param order of the pixels
   * @param logits floats {@code [count, classes]}, overwritten
   * @throws SextantException as {@link #classify(MemorySegment, CompiledModel.Order, int)} does
   */
  void runPixels(MemorySegment pixels, CompiledModel.Order order, MemorySegment logits);

  /** Refuses requests from now on, and frees what it holds once those under way have ended. */
  @Override
  void close();
}
