package dev.sextant.cli.options;

import dev.sextant.nas.cost.CostUnit;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Budgets as people write them: latencies as {@code 1.5ms}, {@code 800us}, {@code 0.02s} (a bare
 * number is ms), of a percentile as {@code 2ms@p99}, counts as {@code 5M}, {@code 1.2G}, {@code
 * 40000}, costs from outside with the symbol of their unit or without.
 */
public final class BudgetConverter implements ITypeConverter<BudgetConverter.Budget> {
  /**
   * A budget as given.
   *
   * @param number as written
   * @param suffix as in {@code ms} or {@code M}, or empty
   * @param percentile of latencies that it is of; medians where nothing is said
   */
  public record Budget(double number, String suffix, Percentile percentile) {
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
        throw new SextantException(
            String.format(Locale.ROOT, "budget: '%s' is no unit of %s", suffix, unit));
      }
      if (percentile != Percentile.P50 && !unit.equals(CostUnit.MILLISECONDS)) {
        throw new SextantException(
            String.format(Locale.ROOT, "budget: there is no %s of %s", percentile.text(), unit));
      }
      return number * factor;
    }
  }

  /**
   * {@return the percentile that all of some budgets are of}
   *
   * @param budgets any number
   * @throws SextantException if they are of several
   */
  public static Percentile percentile(List<Budget> budgets) {
    List<Percentile> each = budgets.stream().map(Budget::percentile).distinct().toList();
    if (each.size() > 1) {
      throw new SextantException(
          "budget: one search has budgets of one percentile, not of "
              + each.stream().map(Percentile::text).toList());
    }
    return each.isEmpty() ? Percentile.P50 : each.getFirst();
  }

  @Override
  public Budget convert(String text) {
    int at = text.indexOf('@');
    String amount = at < 0 ? text : text.substring(0, at);
    String number = amount.replaceFirst("[a-zA-Zµ]+$", "");
    try {
      Percentile percentile = at < 0 ? Percentile.P50 : Percentile.parse(text.substring(at + 1));
      double value = Double.parseDouble(number);
      if (value > 0 && value < 1e15) {
        return new Budget(value, amount.substring(number.length()), percentile);
      }
    } catch (NumberFormatException | SextantException e) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is no budget such as 1.5ms, 2ms@p99 or 20M");
  }
}
