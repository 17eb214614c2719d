package dev.sextant.cli.options;

import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Times as people write them: {@code 90s} (a bare number is seconds), {@code 3m}, {@code 1.5h}. */
public final class TimeConverter implements ITypeConverter<Duration> {
  private static final double LONGEST_SECONDS = 1e8;

  @Override
  public Duration convert(String text) {
    String number = text.replaceFirst("[smh]$", "");
    double unit =
        switch (text.substring(number.length())) {
          case "m" -> 60;
          case "h" -> 3600;
          default -> 1;
        };
    try {
      double seconds = unit * Double.parseDouble(number);
      if (seconds >= 1e-3 && seconds <= LONGEST_SECONDS) {
        return Duration.ofMillis(Math.round(1000 * seconds));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is no time such as 90s, 3m or 1.5h");
  }
}
