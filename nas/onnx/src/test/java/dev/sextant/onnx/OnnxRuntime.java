package dev.sextant.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Optional;

/** A model in ONNX Runtime: the oracle of what is written and of what is read. */
public final class OnnxRuntime implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  public OnnxRuntime(byte[] model) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      session = environment.createSession(model, options);
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  /** Why there is no ONNX Runtime on this machine, if there is none. */
  public static Optional<String> missing() {
    try {
      OrtEnvironment.getEnvironment();
      return Optional.empty();
    } catch (UnsatisfiedLinkError | ExceptionInInitializerError | IllegalStateException e) {
      return Optional.of("ONNX Runtime does not run here: " + e.getMessage());
    }
  }

  /** The logits of images {@code [N, C, H, W]}. */
  public float[] run(float[] planar, long... extents) {
    try (OnnxTensor images =
        OnnxTensor.createTensor(environment, FloatBuffer.wrap(planar), extents)) {
      return logits(images);
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  /** The logits of pixels {@code [N, H, W, C]}. */
  public float[] run(byte[] pixels, long... extents) {
    try (OnnxTensor images =
        OnnxTensor.createTensor(
            environment, ByteBuffer.wrap(pixels), extents, OnnxJavaType.UINT8)) {
      return logits(images);
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  private float[] logits(OnnxTensor images) throws OrtException {
    String input = session.getInputNames().iterator().next();
    try (OrtSession.Result result = session.run(Map.of(input, images))) {
      FloatBuffer buffer = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] logits = new float[buffer.remaining()];
      buffer.get(logits);
      return logits;
    }
  }

  /** Images {@code [N, H, W, C]} as {@code [N, C, H, W]}. */
  public static float[] planar(float[] images, int pixels, int channels) {
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
      session.close();
    } catch (OrtException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }
}
