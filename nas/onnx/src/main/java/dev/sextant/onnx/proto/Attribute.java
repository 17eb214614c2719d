package dev.sextant.onnx.proto;

import java.util.List;

/** A named value of a node ({@code AttributeProto}), without its name. */
public sealed interface Attribute {
  /** A whole number. */
  record Whole(long value) implements Attribute {}

  /** A float. */
  record Real(float value) implements Attribute {}

  /** A text. */
  record Text(String value) implements Attribute {}

  /** Whole numbers. */
  record Wholes(List<Long> values) implements Attribute {}

  /** Floats. */
  record Reals(List<Float> values) implements Attribute {}

  /** A tensor. */
  record OfTensor(TensorProto value) implements Attribute {}

  /** Of a kind that no convolutional network has, such as a graph. */
  record Unread(int kind) implements Attribute {}

  /** Whole numbers. */
  static Attribute wholes(long... values) {
    return new Wholes(java.util.Arrays.stream(values).boxed().toList());
  }
}
