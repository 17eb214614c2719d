package dev.sextant.onnx.quantize;

import dev.sextant.runtime.Weights;

/** A weight in eight bits: one scale for each output channel, which is the last extent. */
public record Steps(float[] scales, byte[] values) {
  private static final int MOST = 127;

  /** The nearest steps. */
  public static Steps of(Weights.Entry weight) {
    int channels = weight.shape().channels();
    float[] scales = new float[channels];
    float[] values = weight.values();
    for (int i = 0; i < values.length; i++) {
      scales[i % channels] = Math.max(scales[i % channels], Math.abs(values[i]));
    }
    for (int c = 0; c < channels; c++) {
      scales[c] = scale(scales[c]);
    }
    byte[] steps = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      double nearest = Math.rint(values[i] / scales[i % channels]);
      steps[i] = (byte) Math.clamp(nearest, -MOST, MOST);
    }
    return new Steps(scales, steps);
  }

  /** The step with which a number is the largest that there is. */
  public static float scale(float largest) {
    return largest < Float.MIN_NORMAL * MOST ? 1 : largest / MOST;
  }

  /** The floats that the steps stand for. */
  Weights.Entry floats(Weights.Entry weight) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values[i] * scales[i % scales.length];
    }
    return new Weights.Entry(weight.shape(), floats);
  }
}
