package dev.sextant.tensor;

import java.util.OptionalInt;
import jdk.incubator.vector.FloatVector;

/** What the CPU backend found of the Vector API. */
public final class VectorUnit {
  private VectorUnit() {}

  /**
   * Bits of the vectors that the CPU's kernels use; empty where the JVM was started without {@code
   * --add-modules jdk.incubator.vector}, so that the CPU runs scalar code.
   */
  public static OptionalInt bits() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? OptionalInt.of(Species.BITS)
        : OptionalInt.empty();
  }

  /** Loaded only where the module is there. */
  private static final class Species {
    static final int BITS = FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
