package dev.sextant.onnx.proto;

import java.util.Arrays;
import java.util.Optional;

/** The types of elements that files hold ({@code TensorProto.DataType}). */
public enum ElementType {
  FLOAT(1, 4),
  UINT8(2, 1),
  INT8(3, 1),
  INT32(6, 4),
  INT64(7, 8),
  FLOAT16(10, 2),
  DOUBLE(11, 8),
  BFLOAT16(16, 2);

  private final int number;
  private final int bytes;

  ElementType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** Its number in files. */
  public int number() {
    return number;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }

  /** The type of a number, if it is one of these. */
  public static Optional<ElementType> of(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }
}
