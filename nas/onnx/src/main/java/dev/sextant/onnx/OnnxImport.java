package dev.sextant.onnx;

import dev.sextant.onnx.proto.ProtoReader;
import dev.sextant.onnx.read.NetworkImport;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.PlainFile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * ONNX files as networks: convolutional classifiers with one image and one vector of logits. What
 * is one of the runtime's layers becomes that layer, anything else a {@link
 * dev.sextant.runtime.dag.GraphLayer}; an operator that the runtime does not know is refused by the
 * node's name.
 *
 * @param architecture the network
 * @param weights its weights; metadata are the file's
 */
public record OnnxImport(Architecture architecture, Weights weights) {
  /** What an array holds. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - 16;

  /**
   * {@return the network of a file}
   *
   * @param file of the model
   * @throws SextantException naming the file, and the node where one is not supported
   */
  public static OnnxImport read(Path file) {
    return read(file, null);
  }

  /**
   * {@return the network of a file whose input has no known size}
   *
   * @param file of the model
   * @param image the image that the network takes; null for what the file says
   * @throws SextantException naming the file, and the node where one is not supported
   */
  public static OnnxImport read(Path file, Architecture.@Nullable Input image) {
    PlainFile.check(file, "an ONNX file");
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new SextantException(file + ": is larger than 2 GiB, which is not supported");
      }
      return of(Files.readAllBytes(file), file.toString(), image);
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /**
   * {@return the network of a file's bytes}
   *
   * @param bytes of the model
   * @param source what errors call it
   * @param image the image that the network takes; null for what the file says
   * @throws SextantException naming the source, and the node where one is not supported
   */
  public static OnnxImport of(byte[] bytes, String source, Architecture.@Nullable Input image) {
    NetworkImport read = NetworkImport.of(ProtoReader.read(bytes, source), source, image);
    return new OnnxImport(read.architecture(), read.weights());
  }
}
