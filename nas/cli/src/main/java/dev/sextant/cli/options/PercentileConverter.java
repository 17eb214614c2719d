package dev.sextant.cli.options;

import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.SextantException;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Percentiles as people write them: {@code p50}, {@code p90}, {@code p99}. */
public final class PercentileConverter implements ITypeConverter<Percentile> {
  @Override
  public Percentile convert(String text) {
    try {
      return Percentile.parse(text);
    } catch (SextantException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
