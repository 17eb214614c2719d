package dev.sextant.tensor;

import org.jspecify.annotations.Nullable;

/**
 * The rules of {@link Backend} on shapes, labels and shared storage, one for each kind of
 * operation. Every backend that {@link Backends} opens applies them before a kernel runs. A message
 * names the operation, the rule and the shapes, as in {@code depthwise: input has 96 channels,
 * kernel has 64 (input [8,32,32,96], kernel [3,3,64])}. A check that passes allocates nothing, but
 * for the shapes that some return.
 */
public final class Check {
  private Check() {}

  /** Two tensors have one shape. */
  public static void same(String op, Tensor first, Tensor second) {
    if (!second.shape().equals(first.shape())) {
      throw new SextantException(
          "%s: shapes differ (%s and %s)".formatted(op, first.shape(), second.shape()));
    }
  }

  /** Three tensors have one shape. */
  public static void same(String op, Tensor first, Tensor second, Tensor third) {
    same(op, first, second);
    same(op, first, third);
  }

  /** Four tensors have one shape. */
  public static void same(String op, Tensor first, Tensor second, Tensor third, Tensor fourth) {
    same(op, first, second, third);
    same(op, first, fourth);
  }

  /** A tensor has the shape that the operation needs it to have. */
  public static void shape(String op, String name, Tensor tensor, Shape expected) {
    if (!tensor.shape().equals(expected)) {
      throw new SextantException(
          "%s: %s must be %s (it is %s)".formatted(op, name, expected, tensor.shape()));
    }
  }

  /** A tensor has that many dimensions. */
  public static void rank(String op, String name, Shape shape, int rank) {
    if (shape.rank() != rank) {
      throw new SextantException(
          "%s: %s must have %d dimensions (it is %s)".formatted(op, name, rank, shape));
    }
  }

  /**
   * An output has no element in common with an input.
   *
   * @param input may be absent
   */
  public static void apart(String op, Tensor output, @Nullable Tensor input) {
    if (input != null && overlap(output, input)) {
      throw new SextantException(
          "%s: output may not share elements with an input (output %s, input %s)"
              .formatted(op, output, input));
    }
  }

  /**
   * An output is an input of its shape, or has no element in common with it.
   *
   * @param input may be absent
   */
  public static void inPlace(String op, Tensor output, @Nullable Tensor input) {
    if (input != null && overlap(output, input) && output.offset() != input.offset()) {
      throw new SextantException(
          "%s: output may be an input, but not overlap it in part (output %s, input %s)"
              .formatted(op, output, input));
    }
  }

  private static boolean overlap(Tensor first, Tensor second) {
    return first.storage() == second.storage()
        && first.size() > 0
        && second.size() > 0
        && first.offset() < second.offset() + second.size()
        && second.offset() < first.offset() + first.size();
  }

  /** Per-channel vectors have one entry for each channel of x. */
  public static void channels(String op, Tensor x, @Nullable Tensor... vectors) {
    hasChannels(op, x);
    for (Tensor vector : vectors) {
      channels(op, x, vector);
    }
  }

  /**
   * A per-channel vector has one entry for each channel of x.
   *
   * @param vector may be absent
   */
  public static void channels(String op, Tensor x, @Nullable Tensor vector) {
    hasChannels(op, x);
    if (vector != null && vector.size() != x.shape().channels()) {
      throw new SextantException(
          "%s: input has %d channels, vector has %d (input %s, vector %s)"
              .formatted(op, x.shape().channels(), vector.size(), x.shape(), vector.shape()));
    }
  }

  private static void hasChannels(String op, Tensor x) {
    if (x.shape().rank() < 1) {
      throw new SextantException(op + ": input has no channels (it is a scalar)");
    }
  }

  /**
   * The output shape of a dense convolution of x {@code [N,H,W,Cin]} by w {@code [k,k,Cin,Cout]}.
   */
  public static Shape conv2d(String op, Shape x, Shape w, Window window) {
    conv2dOperands(op, x, w, window);
    return window.output(x, w.get(3));
  }

  /** A tensor has the shape that {@link #conv2d(String, Shape, Shape, Window)} returns. */
  public static void conv2d(
      String op, Shape x, Shape w, Window window, String name, Tensor output) {
    conv2dOperands(op, x, w, window);
    image(op, name, output, x, window, w.get(3));
  }

  private static void conv2dOperands(String op, Shape x, Shape w, Window window) {
    rank(op, "input", x, 4);
    rank(op, "kernel", w, 4);
    kernel(op, x, w, window);
  }

  /** The output shape of a depthwise convolution of x {@code [N,H,W,C]} by w {@code [k,k,C]}. */
  public static Shape depthwise(String op, Shape x, Shape w, Window window) {
    depthwiseOperands(op, x, w, window);
    return window.output(x, x.get(3));
  }

  /** A tensor has the shape that {@link #depthwise(String, Shape, Shape, Window)} returns. */
  public static void depthwise(
      String op, Shape x, Shape w, Window window, String name, Tensor output) {
    depthwiseOperands(op, x, w, window);
    image(op, name, output, x, window, x.get(3));
  }

  private static void depthwiseOperands(String op, Shape x, Shape w, Window window) {
    rank(op, "input", x, 4);
    rank(op, "kernel", w, 3);
    kernel(op, x, w, window);
  }

  /** A kernel {@code [k,k,C]} or {@code [k,k,C,Cout]} fits the window and the image. */
  private static void kernel(String op, Shape x, Shape w, Window window) {
    if (w.get(0) != window.kernel() || w.get(1) != window.kernel()) {
      throw new SextantException(
          "%s: kernel %s does not fit the window %s".formatted(op, w, window));
    }
    if (x.get(3) != w.get(2)) {
      throw new SextantException(
          "%s: input has %d channels, kernel has %d (input %s, kernel %s)"
              .formatted(op, x.get(3), w.get(2), x, w));
    }
  }

  /** A superkernel has the largest kernel and all channels of its nesting. */
  public static void nesting(String op, Shape w, Nesting nesting) {
    if (w.rank() != 3
        || w.get(0) != nesting.kernel()
        || w.get(1) != nesting.kernel()
        || w.get(2) != nesting.channels()) {
      throw new SextantException(
          "%s: kernel %s does not fit the nesting of %s".formatted(op, w, nesting));
    }
  }

  /** The output shape of a pooling. */
  public static Shape pool(String op, Shape x, Window window) {
    poolOperands(op, x, window);
    return window.output(x, x.get(3));
  }

  /** A tensor has the shape that {@link #pool(String, Shape, Window)} returns. */
  public static void pool(String op, Shape x, Window window, String name, Tensor output) {
    poolOperands(op, x, window);
    image(op, name, output, x, window, x.get(3));
  }

  private static void poolOperands(String op, Shape x, Window window) {
    rank(op, "input", x, 4);
    if (window.padding() >= window.span()) {
      throw new SextantException(
          "%s: padding of window %s leaves windows without a pixel".formatted(op, window));
    }
  }

  /** A tensor has the shape of the window's output; that shape is made only for the message. */
  private static void image(
      String op, String name, Tensor tensor, Shape x, Window window, int channels) {
    Shape shape = tensor.shape();
    if (shape.rank() != 4
        || shape.get(0) != x.get(0)
        || shape.get(1) != window.outputExtent(x.get(1))
        || shape.get(2) != window.outputExtent(x.get(2))
        || shape.get(3) != channels) {
      shape(op, name, tensor, window.output(x, channels));
    }
  }

  /** Factors or products {@code [N, C]}, one for each image and channel of x {@code [N,H,W,C]}. */
  public static void imageChannels(String op, String name, Tensor x, Tensor tensor) {
    rank(op, "input", x.shape(), 4);
    Shape shape = tensor.shape();
    if (shape.rank() != 2 || shape.get(0) != x.shape().get(0) || shape.get(1) != x.shape().get(3)) {
      throw new SextantException(
          "%s: %s must be %s for input %s (it is %s)"
              .formatted(op, name, Shape.of(x.shape().get(0), x.shape().get(3)), x.shape(), shape));
    }
  }

  /** Two tensors of the same rows, and a range of channels inside both. */
  public static void copyChannels(
      Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    hasChannels("copyChannels", from);
    hasChannels("copyChannels", to);
    if (from.shape().rows() != to.shape().rows()) {
      throw new SextantException(
          "copyChannels: rows differ (from %s, to %s)".formatted(from.shape(), to.shape()));
    }
    if (count < 0
        || fromChannel < 0
        || toChannel < 0
        || fromChannel > from.shape().channels() - count
        || toChannel > to.shape().channels() - count) {
      throw new SextantException(
          "copyChannels: %d channels from %d of %s do not fit at %d of %s"
              .formatted(count, fromChannel, from.shape(), toChannel, to.shape()));
    }
  }

  /** The shape {@code [M, N]} of op(a) op(b). */
  public static Shape gemm(Shape a, boolean transposeA, Shape b, boolean transposeB) {
    gemmOperands(a, transposeA, b, transposeB);
    return Shape.of(a.get(transposeA ? 1 : 0), b.get(transposeB ? 0 : 1));
  }

  /** c has the shape that {@link #gemm(Shape, boolean, Shape, boolean)} returns. */
  public static void gemm(Shape a, boolean transposeA, Shape b, boolean transposeB, Tensor c) {
    gemmOperands(a, transposeA, b, transposeB);
    int m = a.get(transposeA ? 1 : 0);
    int n = b.get(transposeB ? 0 : 1);
    Shape shape = c.shape();
    if (shape.rank() != 2 || shape.get(0) != m || shape.get(1) != n) {
      shape("gemm", "c", c, Shape.of(m, n));
    }
  }

  private static void gemmOperands(Shape a, boolean transposeA, Shape b, boolean transposeB) {
    rank("gemm", "a", a, 2);
    rank("gemm", "b", b, 2);
    int inner = a.get(transposeA ? 0 : 1);
    if (inner != b.get(transposeB ? 1 : 0)) {
      throw new SextantException(
          "gemm: inner extents differ (a %s%s, b %s%s)"
              .formatted(a, transposeA ? " transposed" : "", b, transposeB ? " transposed" : ""));
    }
  }

  /** Logits {@code [N, K]} with labels {@code [N]} below K. */
  public static void labels(String op, Tensor logits, Tensor labels) {
    rank(op, "logits", logits.shape(), 2);
    int rows = logits.shape().get(0);
    if (labels.shape().rank() != 1 || labels.shape().get(0) != rows) {
      shape(op, "labels", labels, Shape.of(rows));
    }
    if (labels.storage() instanceof Storage.Heap) {
      int classes = logits.shape().get(1);
      int[] values = labels.ints();
      for (int i = labels.offset(); i < labels.offset() + labels.size(); i++) {
        if (values[i] < 0 || values[i] >= classes) {
          throw new SextantException(
              "%s: label %d at %d is not below the %d classes"
                  .formatted(op, values[i], i - labels.offset(), classes));
        }
      }
    }
  }
}
