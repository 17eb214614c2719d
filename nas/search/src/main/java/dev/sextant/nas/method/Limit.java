package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.tensor.SextantException;
import org.jspecify.annotations.Nullable;

/**
 * A cost that the networks of a run may not exceed, besides the budget.
 *
 * @param cost id of a cost that adds up over layers, or {@link #MEMORY}
 * @param most in the unit of that cost, bytes for memory
 * @param table file that the cost needs, or null
 */
public record Limit(String cost, double most, @Nullable String table) {
  /** Bytes that inference takes at most: weights, and what one layer's operations hold at once. */
  public static final String MEMORY = "memory";

  /** Checks the number. */
  public Limit {
    if (cost == null) {
      throw new SextantException("max: a cost is missing");
    }
    Bounds.within("max " + cost, most, 1e-6, 1e18);
  }
}
