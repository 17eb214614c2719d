package dev.sextant.nas.cost;

/** What networks of a space cost: the price of a set of decisions. */
public interface Cost {
  /**
   * {@return the cost of one network, by its decisions in the order of the space}
   *
   * @param decisions an option of each decision, in the order of the space
   */
  double of(int[] decisions);
}
