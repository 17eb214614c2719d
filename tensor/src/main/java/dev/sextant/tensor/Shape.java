package dev.sextant.tensor;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The extents of a dense, row-major tensor, outermost first. Images are {@code [N, H, W, C]}.
 * Immutable; extents of 0 are legal and make an empty tensor.
 */
public final class Shape {
  private static final Shape SCALAR = new Shape(new int[0]);

  /**
   * Shapes by their hash: those that come again and again are made once. A full neighbourhood is
   * overwritten. Written without a lock by any thread: an entry that is lost is made again.
   */
  private static final @Nullable Shape[] MADE = new Shape[1 << 12];

  /** Entries looked at from a hash on. */
  private static final int PROBES = 16;

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
   * @param extents from the outermost to the innermost dimension
   * @return the shape
   * @throws SextantException if one is negative or the product passes 2^31 - 65
   */
  public static Shape of(int... extents) {
    return switch (extents.length) {
      case 0 -> SCALAR;
      case 1 -> of(extents[0]);
      case 2 -> of(extents[0], extents[1]);
      case 3 -> of(extents[0], extents[1], extents[2]);
      case 4 -> of(extents[0], extents[1], extents[2], extents[3]);
      default -> new Shape(extents.clone());
    };
  }

  /**
   * A scalar's shape.
   *
   * @return the shape
   */
  public static Shape of() {
    return SCALAR;
  }

  /**
   * As {@link #of(int...)}; of a shape that was made before, nothing is allocated.
   *
   * @param a the outermost extent
   * @return the shape
   */
  public static Shape of(int a) {
    return made(1, a, 0, 0, 0);
  }

  /**
   * As {@link #of(int...)}; of a shape that was made before, nothing is allocated.
   *
   * @param a the outermost extent
   * @param b the second extent
   * @return the shape
   */
  public static Shape of(int a, int b) {
    return made(2, a, b, 0, 0);
  }

  /**
   * As {@link #of(int...)}; of a shape that was made before, nothing is allocated.
   *
   * @param a the outermost extent
   * @param b the second extent
   * @param c the third extent
   * @return the shape
   */
  public static Shape of(int a, int b, int c) {
    return made(3, a, b, c, 0);
  }

  /**
   * As {@link #of(int...)}; of a shape that was made before, nothing is allocated.
   *
   * @param a the outermost extent
   * @param b the second extent
   * @param c the third extent
   * @param d the fourth extent
   * @return the shape
   */
  public static Shape of(int a, int b, int c, int d) {
    return made(4, a, b, c, d);
  }

  private static Shape made(int rank, int a, int b, int c, int d) {
    int hash = (((rank * 31 + a) * 31 + b) * 31 + c) * 31 + d;
    int first = (hash * 0x9E3779B9) >>> 20;
    int at = first;
    for (int probe = 0; probe < PROBES; probe++) {
      int i = first + probe & MADE.length - 1;
      Shape shape = MADE[i];
      if (shape == null) {
        at = i;
        break;
      }
      if (shape.is(rank, a, b, c, d)) {
        return shape;
      }
    }
    int[] extents = {a, b, c, d};
    Shape shape = new Shape(Arrays.copyOf(extents, rank));
    MADE[at] = shape;
    return shape;
  }

  private boolean is(int rank, int a, int b, int c, int d) {
    return extents.length == rank
        && extents[0] == a
        && (rank < 2 || extents[1] == b)
        && (rank < 3 || extents[2] == c)
        && (rank < 4 || extents[3] == d);
  }

  /** {@return the number of dimensions} */
  public int rank() {
    return extents.length;
  }

  /** {@return the number of elements; 1 for a scalar} */
  public int size() {
    return size;
  }

  /**
   * {@return the extent of a dimension, counted from 0, or from the end if negative}
   *
   * @param dimension from 0, or from -1 downwards
   */
  public int get(int dimension) {
    return extents[dimension < 0 ? extents.length + dimension : dimension];
  }

  /** {@return the innermost extent: channels of an image, classes of logits} */
  public int channels() {
    return get(-1);
  }

  /**
   * {@return the number of elements divided by {@link #channels()}: the rows of the tensor seen as
   * a matrix}
   */
  public int rows() {
    int rows = 1;
    for (int i = 0; i < extents.length - 1; i++) {
      rows *= extents[i];
    }
    return rows;
  }

  /**
   * {@return the same shape with another innermost extent}
   *
   * @param channels the innermost extent
   */
  public Shape withChannels(int channels) {
    return with(extents.length - 1, channels);
  }

  /**
   * {@return the same shape with another outermost extent}
   *
   * @param batch the outermost extent
   */
  public Shape withBatch(int batch) {
    return with(0, batch);
  }

  private Shape with(int dimension, int extent) {
    Objects.checkIndex(dimension, extents.length);
    if (extents.length > 4) {
      int[] changed = extents.clone();
      changed[dimension] = extent;
      return new Shape(changed);
    }
    return made(
        extents.length,
        changed(0, dimension, extent),
        changed(1, dimension, extent),
        changed(2, dimension, extent),
        changed(3, dimension, extent));
  }

  private int changed(int i, int dimension, int extent) {
    return i == dimension ? extent : i < extents.length ? extents[i] : 0;
  }

  @Override
  public boolean equals(Object other) {
    return this == other || other instanceof Shape shape && Arrays.equals(extents, shape.extents);
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
