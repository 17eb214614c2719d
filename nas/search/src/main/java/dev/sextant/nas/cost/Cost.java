package dev.sextant.nas.cost;

/** What networks of a space cost: the price of a set of decisions. */
public interface Cost {
  /** The cost of one network, by its decisions in the order of the space. */
  double of(int[] decisions);
}
