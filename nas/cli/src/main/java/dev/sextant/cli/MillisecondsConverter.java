package dev.sextant.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Latencies as people write them: {@code 1.5ms}, {@code 800us}, {@code 0.02s}; a bare number is ms.
 */
final class MillisecondsConverter implements ITypeConverter<Double> {
  @Override
  public Double convert(String text) {
    String number = text.replaceFirst("(ms|us|µs|s)$", "");
    String unit = text.substring(number.length());
    try {
      double value = Double.parseDouble(number);
      double ms =
          switch (unit) {
            case "us", "µs" -> value / 1000;
            case "s" -> value * 1000;
            default -> value;
          };
      if (ms > 0 && ms < 1e9) {
        return ms;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is not a latency such as 1.5ms");
  }
}
