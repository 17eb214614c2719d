package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * The rules of {@link Gemm}. A passing check allocates nothing, but for the shapes that some
 * return.
 */
public final class GemmRules {
  private GemmRules() {}

  /**
   * Checks the arguments of {@link Gemm#multiply}.
   *
   * @param a rank 2
   * @param transposeA whether a is {@code [K, M]}, not {@code [M, K]}
   * @param b rank 2
   * @param transposeB whether b is {@code [N, K]}, not {@code [K, N]}
   * @param c written, {@code [M, N]}
   */
  public static void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c) {
    output(a.shape(), transposeA, b.shape(), transposeB, c);
    Check.apart("gemm", c, a);
    Check.apart("gemm", c, b);
  }

  /**
   * {@return the shape {@code [M, N]} of op(a) op(b)}
   *
   * @param a rank 2
   * @param transposeA whether a is {@code [K, M]}, not {@code [M, K]}
   * @param b rank 2
   * @param transposeB whether b is {@code [N, K]}, not {@code [K, N]}
   */
  public static Shape output(Shape a, boolean transposeA, Shape b, boolean transposeB) {
    operands(a, transposeA, b, transposeB);
    return Shape.of(a.get(transposeA ? 1 : 0), b.get(transposeB ? 0 : 1));
  }

  /**
   * c has the shape that {@link #output(Shape, boolean, Shape, boolean)} returns.
   *
   * @param a rank 2
   * @param transposeA whether a is {@code [K, M]}, not {@code [M, K]}
   * @param b rank 2
   * @param transposeB whether b is {@code [N, K]}, not {@code [K, N]}
   * @param c the tensor checked
   */
  public static void output(Shape a, boolean transposeA, Shape b, boolean transposeB, Tensor c) {
    operands(a, transposeA, b, transposeB);
    int m = a.get(transposeA ? 1 : 0);
    int n = b.get(transposeB ? 0 : 1);
    Shape shape = c.shape();
    if (shape.rank() != 2 || shape.get(0) != m || shape.get(1) != n) {
      Check.shape("gemm", "c", c, Shape.of(m, n));
    }
  }

  private static void operands(Shape a, boolean transposeA, Shape b, boolean transposeB) {
    Check.rank("gemm", "a", a, 2);
    Check.rank("gemm", "b", b, 2);
    int inner = a.get(transposeA ? 0 : 1);
    if (inner != b.get(transposeB ? 1 : 0)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "gemm: inner extents differ (a %s%s, b %s%s)",
              a,
              transposeA ? " transposed" : "",
              b,
              transposeB ? " transposed" : ""));
    }
  }
}
