package dev.sextant.bench.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * A network in ONNX Runtime as a service would hold it: every optimization, and direct buffers for
 * images and logits that are used again, so that a run copies nothing into the library. Its threads
 * wait for one another by spinning, as they do unless told otherwise. Not thread-safe.
 */
public final class OnnxSession implements AutoCloseable {
  private final OrtSession session;
  private final OnnxTensor images;
  private final OnnxTensor logits;
  private final FloatBuffer imageBuffer;
  private final FloatBuffer logitBuffer;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  /**
   * Loads and optimizes a network.
   *
   * @param architecture the network
   * @param weights its weights
   * @param threads of one operator
   * @param batch images of one run
   */
  public OnnxSession(Architecture architecture, Weights weights, int threads, int batch) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      session =
          environment.createSession(
              OnnxExport.bytes(
                  architecture, weights, ExportOptions.DEFAULT.withBatch(batch).keepingBatchNorm()),
              options);
      Architecture.Input input = architecture.input();
      long[] extents = {batch, input.channels(), input.height(), input.width()};
      imageBuffer = direct(batch * input.channels() * input.height() * input.width());
      logitBuffer = direct(batch * architecture.outputs());
      images = OnnxTensor.createTensor(environment, imageBuffer, extents);
      logits =
          OnnxTensor.createTensor(
              environment, logitBuffer, new long[] {batch, architecture.outputs()});
      inputs = Map.of(session.getInputNames().iterator().next(), images);
      outputs = Map.of(session.getOutputNames().iterator().next(), logits);
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /** {@return why there is no ONNX Runtime on this machine, if there is none} */
  public static Optional<String> missing() {
    try {
      OrtEnvironment.getEnvironment();
      return Optional.empty();
    } catch (UnsatisfiedLinkError | ExceptionInInitializerError | IllegalStateException e) {
      return Optional.of("ONNX Runtime does not run here: " + e.getMessage());
    }
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(floats * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /**
   * Runs the network.
   *
   * @param planar images {@code [batch, C, H, W]}
   * @param result {@code [batch, classes]}, overwritten
   */
  public void run(float[] planar, float[] result) {
    imageBuffer.put(0, planar);
    try (OrtSession.Result _ = session.run(inputs, outputs)) {
      logitBuffer.get(0, result);
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * {@return images {@code [N, H, W, C]} as {@code [N, C, H, W]}}
   *
   * @param images {@code [batch, H, W, C]}
   * @param input extents of one image
   */
  public static float[] planar(float[] images, Architecture.Input input) {
    int pixels = input.height() * input.width();
    int channels = input.channels();
    float[] planar = new float[images.length];
    for (int i = 0; i < images.length; i++) {
      int image = i / (pixels * channels);
      int pixel = i / channels % pixels;
      planar[(image * channels + i % channels) * pixels + pixel] = images[i];
    }
    return planar;
  }

  @Override
  public void close() {
    try {
      images.close();
      logits.close();
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
