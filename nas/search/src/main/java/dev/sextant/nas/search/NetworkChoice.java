package dev.sextant.nas.search;

import org.jspecify.annotations.Nullable;

/** Which network a search would take within a window of costs. */
interface NetworkChoice {
  /**
   * The best network whose cost is from {@code low} to {@code high}, or null where none was found.
   */
  int @Nullable [] best(Pricing pricing, double low, double high);
}
