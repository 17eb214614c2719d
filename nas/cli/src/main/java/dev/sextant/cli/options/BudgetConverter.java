package dev.sextant.cli.options;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.tensor.SextantException;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Budgets as people write them: latencies as {@code 1.5ms}, {@code 800us}, {@code 0.02s} (a bare
 * number is ms), counts as {@code 5M}, {@code 1.2G}, {@code 40000}, costs from outside with the
 * symbol of their unit or without.
 */
public final class BudgetConverter implements ITypeConverter<BudgetConverter.Budget> {
  /**
   * A budget as given.
   *
   * @param number as written
   * @param suffix as in {@code ms} or {@code M}, or empty
   */
  public record Budget(double number, String suffix) {
    /**
     * {@return the number in a unit}
     *
     * @param unit of the cost
     */
    public double in(CostUnit unit) {
      double factor =
          unit.equals(CostUnit.MILLISECONDS)
              ? switch (suffix) {
                case "us", "µs" -> 1e-3;
                case "ms", "" -> 1;
                case "s" -> 1e3;
                default -> Double.NaN;
              }
              : unit.isCount()
                  ? switch (suffix) {
                    case "" -> 1;
                    case "k" -> 1e3;
                    case "M" -> 1e6;
                    case "G" -> 1e9;
                    default -> Double.NaN;
                  }
                  : suffix.isEmpty() || suffix.equals(unit.symbol()) ? 1 : Double.NaN;
      if (Double.isNaN(factor)) {
        throw new SextantException("budget: '%s' is no unit of %s".formatted(suffix, unit));
      }
      return number * factor;
    }
  }

  @Override
  public Budget convert(String text) {
    String number = text.replaceFirst("[a-zA-Zµ]+$", "");
    try {
      double value = Double.parseDouble(number);
      if (value > 0 && value < 1e15) {
        return new Budget(value, text.substring(number.length()));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is no budget such as 1.5ms or 20M");
  }
}
