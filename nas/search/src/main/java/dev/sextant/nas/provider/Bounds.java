package dev.sextant.nas.provider;

import dev.sextant.tensor.SextantException;

/** Checks of numbers that a user gives; messages name them as the command line does. */
public final class Bounds {
  private Bounds() {}

  /**
   * Refuses a number below the least.
   *
   * @param name what messages call it: the option
   * @param value the number given
   * @param least the least allowed
   */
  public static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new SextantException("%s: %d is not at least %d".formatted(name, value, least));
    }
  }

  /**
   * Refuses a number that is not between two others, or is none.
   *
   * @param name what messages call it: the option
   * @param value the number given
   * @param low the least allowed
   * @param high the greatest allowed
   */
  public static void within(String name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
      throw new SextantException(
          "%s: %s is not between %s and %s".formatted(name, value, low, high));
    }
  }
}
