package dev.sextant.nas.report.page;

import dev.sextant.tensor.Shape;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers for a reader, the same in every locale. A number that is not known is a dash. */
public final class Numbers {
  private static final MathContext FOUR_DIGITS = new MathContext(4);
  private static final String UNKNOWN = "–";

  private Numbers() {}

  /**
   * {@return four significant digits}
   *
   * @param value that is shown
   */
  public static String significant(double value) {
    if (!Double.isFinite(value)) {
      return UNKNOWN;
    }
    BigDecimal rounded = new BigDecimal(value).round(FOUR_DIGITS);
    if (rounded.signum() == 0) {
      return "0";
    }
    // Trailing zeros too, so that 0.5 and 0.4999 line up.
    int missing = FOUR_DIGITS.getPrecision() - rounded.precision();
    return rounded.setScale(rounded.scale() + missing).toPlainString();
  }

  /**
   * {@return milliseconds with their unit}
   *
   * @param value in milliseconds
   */
  public static String ms(double value) {
    return Double.isFinite(value) ? significant(value) + " ms" : UNKNOWN;
  }

  /**
   * {@return a share in percent}
   *
   * @param share of 1
   */
  public static String percent(double share) {
    return Double.isFinite(share) ? String.format(Locale.ROOT, "%.2f %%", 100 * share) : UNKNOWN;
  }

  /**
   * {@return a difference in percent with its sign}
   *
   * @param share of 1
   */
  public static String change(double share) {
    return Double.isFinite(share) ? String.format(Locale.ROOT, "%+.1f %%", 100 * share) : UNKNOWN;
  }

  /**
   * {@return seconds, and from two minutes on minutes and hours too}
   *
   * @param seconds to be shown
   */
  public static String duration(double seconds) {
    if (!Double.isFinite(seconds)) {
      return UNKNOWN;
    }
    long minutes = Math.round(seconds / 60);
    String exact = String.format(Locale.ROOT, "%,.1f s", seconds);
    if (minutes < 2) {
      return exact;
    }
    return minutes < 60
        ? String.format(Locale.ROOT, "%s (%d min)", exact, minutes)
        : String.format(Locale.ROOT, "%s (%d h %02d min)", exact, minutes / 60, minutes % 60);
  }

  /**
   * {@return a whole number with its thousands apart}
   *
   * @param value a long or a BigInteger
   */
  public static String grouped(Number value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /**
   * {@return a length in a drawing}
   *
   * @param value in units of the drawing
   */
  public static String length(double value) {
    BigDecimal rounded = new BigDecimal(String.format(Locale.ROOT, "%.2f", value));
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }

  /**
   * {@return height x width x channels of an image, or the features alone}
   *
   * @param shape {@code [N, H, W, C]} or {@code [N, C]}
   */
  public static String shape(Shape shape) {
    return shape.rank() == 4
        ? String.format(Locale.ROOT, "%d×%d×%d", shape.get(1), shape.get(2), shape.get(3))
        : String.valueOf(shape.channels());
  }
}
