package dev.sextant.cli.options;

import dev.sextant.tensor.Backends;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of threads, from 1. */
public final class ThreadsConverter implements ITypeConverter<Integer> {
  @Override
  public Integer convert(String text) {
    try {
      int threads = Integer.parseInt(text);
      if (threads >= 1 && threads <= Backends.MOST_THREADS) {
        return threads;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new TypeConversionException(
        "'" + text + "' is not a number of threads, 1 to " + Backends.MOST_THREADS);
  }
}
