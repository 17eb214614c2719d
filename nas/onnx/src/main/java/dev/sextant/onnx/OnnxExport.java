package dev.sextant.onnx;

import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.ProtoWriter;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Networks as ONNX files: format version 8 and operators 17, channels before pixels, one input
 * {@code images} {@code [N, C, H, W]} (or {@code pixels} {@code [N, H, W, C]}) and one output
 * {@code logits} {@code [N, classes]}. Every value has its shape in the file, every node the layer
 * it comes from, and the model the weights' metadata: class names, mean and deviation. Equal
 * networks, weights and options give equal bytes. Safe to call from any thread.
 */
public final class OnnxExport {
  /** What one message of protocol buffers can hold, a little left for all but the weights. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - (64L << 20);

  private OnnxExport() {}

  /**
   * {@return a network as the bytes of an ONNX file}
   *
   * @param architecture the network
   * @param weights its weights
   * @param options how
   * @throws SextantException if the weights are not the network's, a layer from outside has no form
   *     in ONNX, pixels are asked for and the weights do not say mean and deviation, or the file
   *     would be larger than 2 GiB
   */
  public static byte[] bytes(Architecture architecture, Weights weights, ExportOptions options) {
    return ProtoWriter.bytes(model(architecture, weights, options));
  }

  /**
   * Writes a network as an ONNX file, which is there as a whole or not at all.
   *
   * @param file replaced if there is one
   * @param architecture the network
   * @param weights its weights
   * @param options how
   * @throws SextantException as {@link #bytes} does, or if the file cannot be written
   */
  public static void write(
      Path file, Architecture architecture, Weights weights, ExportOptions options) {
    byte[] bytes = bytes(architecture, weights, options);
    AtomicFile.write(file, out -> out.write(ByteBuffer.wrap(bytes)));
  }

  /**
   * {@return why a network cannot be written as ONNX, whatever its weights; empty where it can be}
   *
   * @param architecture the network
   */
  public static Optional<String> obstacle(Architecture architecture) {
    long bytes = architecture.parameters() * Float.BYTES;
    if (bytes > MOST_BYTES) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "%s: %d bytes of weights are more than the 2 GiB that an ONNX file can hold",
              architecture.name(),
              bytes));
    }
    List<Shape> shapes = architecture.shapes();
    for (int i = 0; i < architecture.layers().size(); i++) {
      for (Graph.Node node : architecture.layers().get(i).operations(shapes.get(i)).nodes()) {
        Optional<String> reason = OperationExport.obstacle(node.operation());
        if (reason.isPresent()) {
          return Optional.of(
              String.format(
                  Locale.ROOT, "%s: layers[%d]: %s", architecture.name(), i, reason.get()));
        }
      }
    }
    return Optional.empty();
  }

  /**
   * {@return a network as the bytes of an ONNX file with weights and values in eight bits}
   * Operators QuantizeLinear and DequantizeLinear stand around each value; weights have a scale for
   * each output channel, zero is zero.
   *
   * @param architecture the network
   * @param weights its weights
   * @param options how; batch norms are folded and weights are no halves
   * @param quantization the steps of the values
   * @throws SextantException as {@link #bytes(Architecture, Weights, ExportOptions)} does, or if
   *     the options do not go with eight bits
   */
  public static byte[] bytes(
      Architecture architecture,
      Weights weights,
      ExportOptions options,
      Quantization quantization) {
    if (options.keepBatchNorm() || options.halves()) {
      throw new SextantException(
          "onnx: eight bits go neither with batch norms of their own nor with halves");
    }
    return ProtoWriter.bytes(model(architecture, weights, options, quantization.scales()));
  }

  static ModelProto model(Architecture architecture, Weights weights, ExportOptions options) {
    return model(architecture, weights, options, null);
  }

  private static ModelProto model(
      Architecture architecture,
      Weights weights,
      ExportOptions options,
      @Nullable Map<String, Float> scales) {
    weights.check(architecture);
    obstacle(architecture)
        .ifPresent(
            reason -> {
              throw new SextantException(reason);
            });
    return NetworkExport.model(architecture, weights, options, scales);
  }
}
