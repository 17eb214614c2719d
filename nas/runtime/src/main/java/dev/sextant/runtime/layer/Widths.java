package dev.sextant.runtime.layer;

/** How channel widths are rounded, as every MobileNet descendant does. */
public final class Widths {
  private Widths() {}

  /**
   * {@return the width rounded to the nearest multiple of 8, at least 8, and never more than 10 %
   * below the width asked for: {@code make_divisible} of the published MobileNet and ProxylessNAS
   * code}
   *
   * @param width number of channels, above 0
   */
  public static int makeDivisible(double width) {
    int rounded = Math.max(8, (int) (width + 4) / 8 * 8);
    return rounded < 0.9 * width ? rounded + 8 : rounded;
  }
}
