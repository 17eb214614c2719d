package dev.sextant.cli.options;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of threads: 1 or more. */
public final class ThreadsConverter implements ITypeConverter<Integer> {
  @Override
  public Integer convert(String text) {
    try {
      int threads = Integer.parseInt(text);
      if (threads >= 1) {
        return threads;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is not a number of threads, 1 or more");
  }
}
