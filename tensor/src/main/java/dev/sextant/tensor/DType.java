package dev.sextant.tensor;

/** Element types. Values are {@link #F32}; labels and indices are {@link #I32}. */
public enum DType {
  F32,
  I32;

  /** Bytes of one element. */
  public int bytes() {
    return 4;
  }
}
