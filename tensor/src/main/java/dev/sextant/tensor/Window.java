package dev.sextant.tensor;

import java.util.Locale;

/**
 * The square window of a convolution or a pooling.
 *
 * @param kernel taps in each direction, at least 1
 * @param stride step in each direction, at least 1
 * @param padding rows and columns of zeros on each side, at least 0
 * @param dilation distance between taps, at least 1
 */
public record Window(int kernel, int stride, int padding, int dilation) {
  /** A 1x1 window: a pointwise convolution. */
  public static final Window POINTWISE = new Window(1, 1, 0, 1);

  /** Checks that every number is in range. */
  public Window {
    if (kernel < 1 || stride < 1 || padding < 0 || dilation < 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "window: kernel %d, stride %d, padding %d, dilation %d is out of range",
              kernel,
              stride,
              padding,
              dilation));
    }
  }

  /**
   * {@return an odd window padded by half its span, so that stride 1 keeps the size ("same")}
   *
   * @param kernel odd extent of the window in pixels
   * @param stride step in pixels
   */
  public static Window same(int kernel, int stride) {
    return same(kernel, stride, 1);
  }

  /**
   * {@return a dilated odd window padded by half its span, so that stride 1 keeps the size}
   *
   * @param kernel odd extent of the window in pixels
   * @param stride step in pixels
   * @param dilation distance between taps in pixels
   */
  public static Window same(int kernel, int stride, int dilation) {
    return new Window(kernel, stride, dilation * (kernel / 2), dilation);
  }

  /** {@return whether this is a pointwise convolution with stride 1: one GEMM over the pixels} */
  public boolean isPointwise() {
    return kernel == 1 && stride == 1 && padding == 0;
  }

  /** {@return the pixels that the taps span} */
  public int span() {
    return dilation * (kernel - 1) + 1;
  }

  /**
   * {@return the output extent for an input extent: floor((in + 2 padding - span) / stride) + 1; 0
   * for an empty input}
   *
   * @param in the input's height or width in pixels
   * @throws SextantException if the window is larger than the padded input
   */
  public int outputExtent(int in) {
    if (in == 0) {
      return 0;
    }
    if (in + 2 * padding < span()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "window: spans %d pixels, the padded input has %d",
              span(),
              in + 2 * padding));
    }
    return (in + 2 * padding - span()) / stride + 1;
  }

  /**
   * {@return the shape {@code [N, H', W', channels]} for an image shape {@code [N, H, W, C]}}
   *
   * @param image {@code [N, H, W, C]}
   * @param channels of the output
   */
  public Shape output(Shape image, int channels) {
    return Shape.of(image.get(0), outputExtent(image.get(1)), outputExtent(image.get(2)), channels);
  }

  /** As in {@code 3x3 s1 p1 d1}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%dx%d s%d p%d d%d", kernel, kernel, stride, padding, dilation);
  }
}
