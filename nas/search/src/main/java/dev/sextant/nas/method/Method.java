package dev.sextant.nas.method;

import dev.sextant.nas.provider.Provider;
import dev.sextant.nas.space.SearchSpace;

/** A named combination with its numbers: {@code --method NAME}. */
public interface Method extends Provider {
  /** {@return its parts} */
  Recipe recipe();

  /**
   * {@return its parts for a space}
   *
   * @param space the space to search
   */
  default Recipe recipe(SearchSpace space) {
    return recipe();
  }

  /** {@return the space that it searches where no other is given: a built-in name} */
  String space();

  /**
   * {@return its numbers, where a user gives no others}
   *
   * @param recipe its own, or with parts that the user gave
   * @param budget in the unit of the recipe's cost
   */
  default SearchConfig config(Recipe recipe, double budget) {
    return SearchConfig.of(recipe, budget);
  }

  /**
   * {@return its numbers with all its own parts}
   *
   * @param budget in the unit of the cost
   */
  default SearchConfig config(double budget) {
    return config(recipe(), budget);
  }
}
