package dev.sextant.kernels.ptx;

/**
 * A parameter of a kernel.
 *
 * @param name unique in its kernel
 * @param type how it is passed
 * @param meaning a phrase for the reader of the PTX
 */
public record Parameter(String name, Type type, String meaning) {
  /** How a parameter is passed. */
  public enum Type {
    /** The address of floats or integers in device memory; 8 bytes. */
    POINTER(".u64", 8),
    /** A signed integer; 4 bytes. */
    INTEGER(".s32", 4),
    /** A float; 4 bytes. */
    NUMBER(".f32", 4);

    private final String suffix;
    private final int bytes;

    Type(String suffix, int bytes) {
      this.suffix = suffix;
      this.bytes = bytes;
    }

    /** The PTX type, such as {@code .u64}. */
    public String suffix() {
      return suffix;
    }

    /** Bytes it takes in the parameter block, and its alignment there. */
    public int bytes() {
      return bytes;
    }
  }
}
