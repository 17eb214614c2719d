package dev.sextant.runtime;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The elements of tensors on disk; all become floats. */
enum SafetensorsType {
  F32(Float.BYTES),
  F16(Short.BYTES),
  BF16(Short.BYTES),
  /** What PyTorch counts batches in. */
  I64(Long.BYTES);

  private final int bytes;

  SafetensorsType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element. */
  int bytes() {
    return bytes;
  }

  static Optional<SafetensorsType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  static List<SafetensorsType> all() {
    return List.of(values());
  }

  /** Reads elements from a buffer's position on, which moves. */
  void get(ByteBuffer from, float[] to, int at, int count) {
    for (int i = at; i < at + count; i++) {
      to[i] =
          switch (this) {
            case F32 -> from.getFloat();
            case F16 -> Float.float16ToFloat(from.getShort());
            case BF16 -> Float.intBitsToFloat(from.getShort() << 16);
            case I64 -> from.getLong();
          };
    }
  }
}
