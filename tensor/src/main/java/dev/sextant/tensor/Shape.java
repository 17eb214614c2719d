package dev.sextant.tensor;

import java.util.Arrays;

/**
 * The extents of a dense, row-major tensor, outermost first. Images are {@code [N, H, W, C]}.
 * Immutable; extents of 0 are legal and make an empty tensor.
 */
public final class Shape {
  private static final Shape SCALAR = new Shape(new int[0]);

  private final int[] extents;
  private final int size;

  private Shape(int[] extents) {
    this.extents = extents;
    long product = 1;
    for (int extent : extents) {
      if (extent < 0) {
        throw new SextantException("shape: negative extent in " + Arrays.toString(extents));
      }
      product *= extent;
      if (product > Integer.MAX_VALUE - 64) {
        throw new SextantException(
            "shape: " + Arrays.toString(extents) + " has more elements than one tensor can hold");
      }
    }
    this.size = (int) product;
  }

  /**
   * The shape with these extents.
   *
   * @throws SextantException if one is negative or the product passes 2^31 - 65
   */
  public static Shape of(int... extents) {
    return extents.length == 0 ? SCALAR : new Shape(extents.clone());
  }

  /** Number of dimensions. */
  public int rank() {
    return extents.length;
  }

  /** Number of elements; 1 for a scalar. */
  public int size() {
    return size;
  }

  /** The extent of a dimension, counted from 0, or from the end if negative. */
  public int get(int dimension) {
    return extents[dimension < 0 ? extents.length + dimension : dimension];
  }

  /** The innermost extent: channels of an image, classes of logits. */
  public int channels() {
    return get(-1);
  }

  /** Number of elements divided by {@link #channels()}: the rows of the tensor seen as a matrix. */
  public int rows() {
    int rows = 1;
    for (int i = 0; i < extents.length - 1; i++) {
      rows *= extents[i];
    }
    return rows;
  }

  /** The same shape with another innermost extent. */
  public Shape withChannels(int channels) {
    int[] changed = extents.clone();
    changed[changed.length - 1] = channels;
    return new Shape(changed);
  }

  /** The same shape with another outermost extent. */
  public Shape withBatch(int batch) {
    int[] changed = extents.clone();
    changed[0] = batch;
    return new Shape(changed);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  /** As in {@code [8,32,32,96]}. */
  @Override
  public String toString() {
    return Arrays.toString(extents).replace(" ", "");
  }
}
