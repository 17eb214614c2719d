package dev.sextant.onnx;

import dev.sextant.onnx.NetworkExport.Value;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.quantize.Steps;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes weights and values in eight bits, each behind the operators that make floats of them. */
final class Rounding {
  private final Map<String, Float> scales;

  /** The steps of values that were rounded, by the names of their floats. */
  private final Map<String, Float> steps = new HashMap<>();

  /** The floats that rounded biases stand for, by the names of the biases. */
  private final Map<String, float[]> biases = new HashMap<>();

  Rounding(Map<String, Float> scales) {
    this.scales = scales;
  }

  Map<String, float[]> biases() {
    return biases;
  }

  /** Adds the rounding of a value. */
  Value add(NodeList nodes, String value, Value x) {
    Float scale = scales.get(value);
    if (scale == null) {
      throw new IllegalStateException("no scale of " + value);
    }
    String name = nodes.rounded(x.name(), scale, NetworkExport.extents(x.shape()));
    steps.put(name, scale);
    return new Value(name, x.shape());
  }

  /** Adds a kernel {@code [k, k, in, out]} or {@code [k, k, C]}, by output channels. */
  String kernel(NodeList nodes, String name, Weights.Entry entry) {
    Shape shape = entry.shape();
    int k = shape.get(0);
    int in = shape.rank() == 3 ? 1 : shape.get(2);
    int out = shape.channels();
    Steps rounded = Steps.of(entry);
    byte[] turned = new byte[rounded.values().length];
    for (int tap = 0; tap < k * k; tap++) {
      for (int i = 0; i < in; i++) {
        for (int o = 0; o < out; o++) {
          turned[(o * in + i) * k * k + tap] = rounded.values()[(tap * in + i) * out + o];
        }
      }
    }
    List<Long> extents = List.of((long) out, (long) in, (long) k, (long) k);
    return nodes.steps(TensorProto.bytes(name, extents, turned), rounded.scales(), 0);
  }

  /** Adds a matrix {@code [in, out]}, by its columns. */
  String matrix(NodeList nodes, String name, Weights.Entry entry) {
    List<Long> extents = List.of((long) entry.shape().get(0), (long) entry.shape().get(1));
    Steps rounded = Steps.of(entry);
    return nodes.steps(TensorProto.bytes(name, extents, rounded.values()), rounded.scales(), 1);
  }

  /** Adds a bias in steps of the input's times the kernel's, as sums of products have them. */
  String bias(NodeList nodes, String name, float[] bias, Weights.Entry kernel, String input) {
    Float step = steps.get(input);
    if (step == null) {
      throw new IllegalStateException("no step of " + input);
    }
    float[] each = Steps.of(kernel).scales().clone();
    int[] whole = new int[bias.length];
    float[] floats = new float[bias.length];
    for (int c = 0; c < bias.length; c++) {
      each[c] *= step;
      whole[c] = (int) Math.rint((double) bias[c] / each[c]);
      floats[c] = whole[c] * each[c];
    }
    biases.put(name, floats);
    List<Long> extents = List.of((long) bias.length);
    return nodes.steps(TensorProto.integers(name, extents, whole), each, 0);
  }
}
