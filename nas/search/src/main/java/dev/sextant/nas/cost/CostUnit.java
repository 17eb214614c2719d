package dev.sextant.nas.cost;

/** What a cost counts, and so what a budget is given in. */
public enum CostUnit {
  /** Latency. */
  MILLISECONDS("ms"),
  /** Multiply-adds for one image. */
  MACS("MACs"),
  /** Trained scalars. */
  PARAMETERS("parameters");

  private final String symbol;

  CostUnit(String symbol) {
    this.symbol = symbol;
  }

  /** A cost in this unit for a reader, as in {@code 1.52 ms}. */
  public String format(double cost) {
    return switch (this) {
      case MILLISECONDS -> "%.4g %s".formatted(cost, symbol);
      case MACS, PARAMETERS -> "%,.0f %s".formatted(cost, symbol);
    };
  }

  /** The unit behind a number. */
  @Override
  public String toString() {
    return symbol;
  }
}
