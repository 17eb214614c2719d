package dev.sextant.onnx.proto;

import dev.sextant.tensor.SextantException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;

/**
 * A constant.
 *
 * @param name by which nodes read it; empty in an attribute
 * @param extents its shape; none for a scalar
 * @param type of the elements
 * @param raw the elements, row-major, little-endian; not to be changed
 */
public record TensorProto(String name, List<Long> extents, ElementType type, byte[] raw) {
  /** Floats as they are. */
  public static TensorProto floats(String name, List<Long> extents, float... values) {
    ByteBuffer raw = buffer(Math.multiplyExact(values.length, Float.BYTES));
    raw.asFloatBuffer().put(values);
    return new TensorProto(name, extents, ElementType.FLOAT, raw.array());
  }

  /** Floats as halves, each the nearest there is. */
  public static TensorProto halves(String name, List<Long> extents, float... values) {
    ByteBuffer raw = buffer(Math.multiplyExact(values.length, Short.BYTES));
    for (float value : values) {
      raw.putShort(Float.floatToFloat16(value));
    }
    return new TensorProto(name, extents, ElementType.FLOAT16, raw.array());
  }

  /** A vector of whole numbers. */
  public static TensorProto wholes(String name, long... values) {
    ByteBuffer raw = buffer(values.length * Long.BYTES);
    raw.asLongBuffer().put(values);
    return new TensorProto(name, List.of((long) values.length), ElementType.INT64, raw.array());
  }

  /** Signed bytes. */
  public static TensorProto bytes(String name, List<Long> extents, byte... values) {
    return new TensorProto(name, extents, ElementType.INT8, values);
  }

  /** Whole numbers of 32 bits. */
  public static TensorProto integers(String name, List<Long> extents, int... values) {
    ByteBuffer raw = buffer(Math.multiplyExact(values.length, Integer.BYTES));
    raw.asIntBuffer().put(values);
    return new TensorProto(name, extents, ElementType.INT32, raw.array());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer buffer() {
    return ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** How many elements it has. */
  public int size() {
    return raw.length / type.bytes();
  }

  /**
   * Its elements as floats.
   *
   * @throws SextantException if they are whole numbers of 32 or 64 bits
   */
  public float[] toFloats() {
    ByteBuffer from = buffer();
    float[] values = new float[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case FLOAT -> from.getFloat();
            case DOUBLE -> (float) from.getDouble();
            case FLOAT16 -> Float.float16ToFloat(from.getShort());
            case BFLOAT16 -> Float.intBitsToFloat(from.getShort() << 16);
            case UINT8 -> Byte.toUnsignedInt(from.get());
            case INT8 -> from.get();
            case INT32 -> from.getInt();
            case INT64 ->
                throw new SextantException(
                    String.format(
                        Locale.ROOT, "tensor '%s' holds whole numbers, not floats", name));
          };
    }
    return values;
  }

  /**
   * Its elements as whole numbers.
   *
   * @throws SextantException if they are floats
   */
  public long[] toWholes() {
    ByteBuffer from = buffer();
    long[] values = new long[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case INT64 -> from.getLong();
            case INT32 -> from.getInt();
            case INT8 -> from.get();
            case UINT8 -> Byte.toUnsignedInt(from.get());
            case FLOAT, DOUBLE, FLOAT16, BFLOAT16 ->
                throw new SextantException(
                    String.format(
                        Locale.ROOT, "tensor '%s' holds floats, not whole numbers", name));
          };
    }
    return values;
  }
}
