package dev.sextant.nas.report.page;

import java.util.Locale;
import java.util.stream.IntStream;

/**
 * An axis from {@code low} to {@code high}, both multiples of {@code step}, which is 1, 2 or 5
 * times a power of ten.
 *
 * @param low value at its beginning
 * @param high value at its end
 * @param step between ticks
 */
public record Axis(double low, double high, double step) {
  /**
   * {@return the axis that holds a range}
   *
   * @param least value of the range
   * @param most value of the range
   * @param intervals at most about so many between ticks
   * @param leastStep between ticks: 1 where only whole numbers mean something, or 0
   */
  public static Axis of(double least, double most, int intervals, double leastStep) {
    double span = most - least;
    if (!(span > Math.max(Math.abs(least), Math.abs(most)) * 1e-9)) {
      // All values are the same: a little room around them.
      double room = leastStep > 0 ? leastStep : least == 0 ? 1 : Math.abs(least) * 0.1;
      return of(least - room, most + room, intervals, leastStep);
    }
    double step = Math.max(round(span / intervals), leastStep);
    return new Axis(Math.floor(least / step) * step, Math.ceil(most / step) * step, step);
  }

  /** The least of 1, 2, 5 times a power of ten that is not below the value. */
  private static double round(double value) {
    double power = Math.pow(10, Math.floor(Math.log10(value)));
    double digit = value / power;
    // A hair of tolerance: 0.2 / 0.1 must give 2, not 5.
    return power * (digit < 1 + 1e-9 ? 1 : digit < 2 + 1e-9 ? 2 : digit < 5 + 1e-9 ? 5 : 10);
  }

  /** {@return the values with a tick, from low to high} */
  public double[] ticks() {
    int count = (int) Math.round((high - low) / step);
    return IntStream.rangeClosed(0, count).mapToDouble(i -> low + i * step).toArray();
  }

  /**
   * {@return a tick's value with as many decimals as the step needs}
   *
   * @param tick value of the tick
   */
  public String label(double tick) {
    int decimals = Math.max(0, (int) -Math.floor(Math.log10(step) + 1e-9));
    String text = String.format(Locale.ROOT, "%." + decimals + "f", tick);
    return text.matches("-0(\\.0*)?") ? text.substring(1) : text;
  }

  /**
   * {@return where a value lies, 0 at low and 1 at high}
   *
   * @param value of the axis
   */
  public double share(double value) {
    return (value - low) / (high - low);
  }
}
