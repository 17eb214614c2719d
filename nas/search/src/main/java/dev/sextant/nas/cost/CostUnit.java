package dev.sextant.nas.cost;

/**
 * What a cost counts, and so what a budget is given in.
 *
 * @param quantity what reports call it, as in {@code latency}
 * @param symbol behind a number, as in {@code ms}
 * @param isCount whether it is a whole number of things
 */
public record CostUnit(String quantity, String symbol, boolean isCount) {
  /** Latency. */
  public static final CostUnit MILLISECONDS = new CostUnit("latency", "ms", false);

  /** Multiply-adds for one image. */
  public static final CostUnit MACS = new CostUnit("MACs", "MACs", true);

  /** Trained scalars. */
  public static final CostUnit PARAMETERS = new CostUnit("parameters", "parameters", true);

  /**
   * {@return a cost in this unit for a reader, as in {@code 1.52 ms}}
   *
   * @param cost in this unit
   */
  public String format(double cost) {
    return (isCount ? "%,.0f %s" : "%.4g %s").formatted(cost, symbol);
  }

  /** The unit behind a number. */
  @Override
  public String toString() {
    return symbol;
  }
}
