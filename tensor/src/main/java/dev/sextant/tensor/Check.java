package dev.sextant.tensor;

import java.util.Locale;
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

  /**
   * Two tensors have one shape.
   *
   * @param op the operation, as errors name it
   * @param first compared with the others
   * @param second of the same shape, or it is an error
   */
  public static void same(String op, Tensor first, Tensor second) {
    if (!second.shape().equals(first.shape())) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: shapes differ (%s and %s)", op, first.shape(), second.shape()));
    }
  }

  /**
   * Three tensors have one shape.
   *
   * @param op the operation, as errors name it
   * @param first compared with the others
   * @param second of the same shape, or it is an error
   * @param third of the same shape, or it is an error
   */
  public static void same(String op, Tensor first, Tensor second, Tensor third) {
    same(op, first, second);
    same(op, first, third);
  }

  /**
   * Four tensors have one shape.
   *
   * @param op the operation, as errors name it
   * @param first compared with the others
   * @param second of the same shape, or it is an error
   * @param third of the same shape, or it is an error
   * @param fourth of the same shape, or it is an error
   */
  public static void same(String op, Tensor first, Tensor second, Tensor third, Tensor fourth) {
    same(op, first, second, third);
    same(op, first, fourth);
  }

  /**
   * A tensor has the shape that the operation needs it to have.
   *
   * @param op the operation, as errors name it
   * @param name the tensor's name in errors
   * @param tensor the tensor checked
   * @param expected the shape it must have
   */
  public static void shape(String op, String name, Tensor tensor, Shape expected) {
    if (!tensor.shape().equals(expected)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %s must be %s (it is %s)", op, name, expected, tensor.shape()));
    }
  }

  /**
   * A tensor has that many dimensions.
   *
   * @param op the operation, as errors name it
   * @param name the tensor's name in errors
   * @param shape the shape checked
   * @param rank the number of dimensions it must have
   */
  public static void rank(String op, String name, Shape shape, int rank) {
    if (shape.rank() != rank) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %s must have %d dimensions (it is %s)", op, name, rank, shape));
    }
  }

  /**
   * An output has no element in common with an input.
   *
   * @param op the operation, as errors name it
   * @param output where the operation writes
   * @param input may be absent
   */
  public static void apart(String op, Tensor output, @Nullable Tensor input) {
    if (input != null && overlap(output, input)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: output may not share elements with an input (output %s, input %s)",
              op,
              output,
              input));
    }
  }

  /**
   * An output is an input of its shape, or has no element in common with it.
   *
   * @param op the operation, as errors name it
   * @param output where the operation writes
   * @param input may be absent
   */
  public static void inPlace(String op, Tensor output, @Nullable Tensor input) {
    if (input != null && overlap(output, input) && output.offset() != input.offset()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: output may be an input, but not overlap it in part (output %s, input %s)",
              op,
              output,
              input));
    }
  }

  private static boolean overlap(Tensor first, Tensor second) {
    return first.storage() == second.storage()
        && first.size() > 0
        && second.size() > 0
        && first.offset() < second.offset() + second.size()
        && second.offset() < first.offset() + first.size();
  }

  /**
   * Per-channel vectors have one entry for each channel of x.
   *
   * @param op the operation, as errors name it
   * @param x the tensor whose channels, the last extent, count
   * @param vectors {@code [C]} each; any may be absent
   */
  public static void channels(String op, Tensor x, @Nullable Tensor... vectors) {
    hasChannels(op, x);
    for (Tensor vector : vectors) {
      channels(op, x, vector);
    }
  }

  /**
   * A per-channel vector has one entry for each channel of x.
   *
   * @param op the operation, as errors name it
   * @param x the tensor whose channels, the last extent, count
   * @param vector may be absent
   */
  public static void channels(String op, Tensor x, @Nullable Tensor vector) {
    hasChannels(op, x);
    if (vector != null && vector.size() != x.shape().channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: input has %d channels, vector has %d (input %s, vector %s)",
              op,
              x.shape().channels(),
              vector.size(),
              x.shape(),
              vector.shape()));
    }
  }

  /**
   * A tensor is not a scalar.
   *
   * @param op the operation, as errors name it
   * @param x the tensor whose channels, the last extent, count
   */
  public static void hasChannels(String op, Tensor x) {
    if (x.shape().rank() < 1) {
      throw new SextantException(op + ": input has no channels (it is a scalar)");
    }
  }

  /**
   * A kernel {@code [k,k,C]} or {@code [k,k,C,Cout]} fits the window and the image.
   *
   * @param op the operation, as errors name it
   * @param x the image, {@code [N, H, W, C]}
   * @param w the kernel
   * @param window of the convolution or pooling
   */
  public static void kernel(String op, Shape x, Shape w, Window window) {
    if (w.get(0) != window.kernel() || w.get(1) != window.kernel()) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: kernel %s does not fit the window %s", op, w, window));
    }
    if (x.get(3) != w.get(2)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: input has %d channels, kernel has %d (input %s, kernel %s)",
              op,
              x.get(3),
              w.get(2),
              x,
              w));
    }
  }

  /**
   * A tensor has the shape of the window's output; that shape is made only for the message.
   *
   * @param op the operation, as errors name it
   * @param name the tensor's name in errors
   * @param tensor the tensor checked
   * @param x the window's input, {@code [N, H, W, C]}
   * @param window of the convolution or pooling
   * @param channels the last extent it must have
   */
  public static void image(
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

  /**
   * Factors or products {@code [N, C]}, one for each image and channel of x {@code [N,H,W,C]}.
   *
   * @param op the operation, as errors name it
   * @param name the tensor's name in errors
   * @param x the tensor whose channels, the last extent, count
   * @param tensor the tensor checked
   */
  public static void imageChannels(String op, String name, Tensor x, Tensor tensor) {
    rank(op, "input", x.shape(), 4);
    Shape shape = tensor.shape();
    if (shape.rank() != 2 || shape.get(0) != x.shape().get(0) || shape.get(1) != x.shape().get(3)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %s must be %s for input %s (it is %s)",
              op,
              name,
              Shape.of(x.shape().get(0), x.shape().get(3)),
              x.shape(),
              shape));
    }
  }
}
