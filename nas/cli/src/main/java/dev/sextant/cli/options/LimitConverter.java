package dev.sextant.cli.options;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.Limit;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Limits as people write them: {@code parameters=3M}, {@code memory=8MiB}, and with the file that a
 * cost needs {@code energy=11mJ@energy.csv}.
 */
public final class LimitConverter implements ITypeConverter<Limit> {
  @Override
  public Limit convert(String text) {
    int equals = text.indexOf('=');
    if (equals < 1) {
      throw new TypeConversionException(
          "'" + text + "' is no limit such as parameters=3M or memory=8MiB");
    }
    String cost = text.substring(0, equals);
    int at = text.indexOf('@', equals);
    String value = text.substring(equals + 1, at < 0 ? text.length() : at);
    String table =
        at < 0 ? null : Path.of(text.substring(at + 1)).toAbsolutePath().normalize().toString();
    try {
      return new Limit(cost, cost.equals(Limit.MEMORY) ? bytes(value) : of(cost, value), table);
    } catch (SextantException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }

  private static double of(String cost, String value) {
    CostUnit unit = Costs.ALL.named(cost).unit();
    return new BudgetConverter().convert(value).in(unit);
  }

  private static double bytes(String value) {
    String number = value.replaceFirst("[a-zA-Z]+$", "");
    double factor =
        switch (value.substring(number.length())) {
          case "", "B" -> 1;
          case "kB" -> 1e3;
          case "MB" -> 1e6;
          case "GB" -> 1e9;
          case "KiB" -> 0x1p10;
          case "MiB" -> 0x1p20;
          case "GiB" -> 0x1p30;
          default ->
              throw new TypeConversionException("memory: '" + value + "' is none such as 8MiB");
        };
    try {
      return factor * Double.parseDouble(number);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("memory: '" + value + "' is none such as 8MiB");
    }
  }
}
