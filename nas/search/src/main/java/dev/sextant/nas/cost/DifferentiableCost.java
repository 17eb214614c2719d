package dev.sextant.nas.cost;

/** A cost that has an expectation under independent decisions, and the expectation a gradient. */
public interface DifferentiableCost extends Cost {
  /**
   * {@return E of the cost, by the probabilities of each decision's options}
   *
   * @param probabilities of each decision's options
   */
  double expected(double[][] probabilities);

  /**
   * ∂E/∂p of each decision's options.
   *
   * @param probabilities of each decision's options
   * @param gradient of the shape of the probabilities; overwritten
   */
  void gradient(double[][] probabilities, double[][] gradient);
}
