package dev.sextant.tensor;

/** Element types. Values are {@link #F32}; labels and indices are {@link #I32}. */
public enum DType {
  /** 32-bit floats. */
  F32,
  /** 32-bit integers. */
  I32;

  /** {@return the bytes of one element} */
  public int bytes() {
    return 4;
  }
}
