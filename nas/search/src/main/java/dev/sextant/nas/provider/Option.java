package dev.sextant.nas.provider;

import dev.sextant.tensor.SextantException;
import org.jspecify.annotations.Nullable;

/**
 * A number or a text that a {@link Provider} lets its users set: {@code --set PROVIDER.NAME=VALUE}.
 *
 * @param name of lower-case letters, digits and dashes
 * @param initial what it is where it is not given
 * @param range of a number, or null for a text
 * @param summary what it is, in one line of help
 */
public record Option(String name, String initial, @Nullable Range range, String summary) {
  /**
   * The numbers allowed, both ends among them.
   *
   * @param low the least
   * @param high the greatest
   */
  public record Range(double low, double high) {}

  /** Checks the value it starts from. */
  public Option {
    if (!Providers.isName(name)) {
      throw new IllegalArgumentException("option '" + name + "': not letters, digits and dashes");
    }
    if (range != null) {
      number(name, initial, range);
    }
  }

  /**
   * {@return a number from a range}
   *
   * @param name in lower case, with dashes
   * @param initial the value where none is given
   * @param low the least allowed
   * @param high the greatest allowed
   * @param summary one line of help, without a full stop
   */
  public static Option number(
      String name, double initial, double low, double high, String summary) {
    return new Option(name, Double.toString(initial), new Range(low, high), summary);
  }

  /**
   * {@return a text, such as the name of a file}
   *
   * @param name in lower case, with dashes
   * @param initial the value where none is given
   * @param summary one line of help, without a full stop
   */
  public static Option text(String name, String initial, String summary) {
    return new Option(name, initial, null, summary);
  }

  /**
   * Checks a value.
   *
   * @param whole the name with that of its provider
   */
  void check(String whole, String value) {
    if (range != null) {
      number(whole, value, range);
    }
  }

  static double number(String whole, String value, Range range) {
    try {
      double number = Double.parseDouble(value);
      if (number >= range.low && number <= range.high) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new SextantException("%s: '%s' is no number".formatted(whole, value), e);
    }
    throw new SextantException(
        "%s: %s is not between %s and %s".formatted(whole, value, range.low, range.high));
  }
}
