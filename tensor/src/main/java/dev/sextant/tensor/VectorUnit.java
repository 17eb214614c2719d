package dev.sextant.tensor;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.OptionalInt;

/** What the CPU backend found of the Vector API. */
public final class VectorUnit {
  private VectorUnit() {}

  /**
   * {@return the bits of the vectors that the CPU's kernels use; empty where the JVM was started
   * without {@code --add-modules jdk.incubator.vector}, so that the CPU runs scalar code}
   */
  public static OptionalInt bits() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? OptionalInt.of(VectorWidth.bits())
        : OptionalInt.empty();
  }

  /** {@return why they are that wide, in a few words; empty where there are none} */
  public static String reason() {
    return bits().isPresent() ? VectorWidth.reason() : "";
  }
}
