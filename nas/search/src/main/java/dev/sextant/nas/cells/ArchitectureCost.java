package dev.sextant.nas.cells;

/** A differentiable cost of the networks that architecture parameters stand for. */
public interface ArchitectureCost {
  /**
   * A value and its gradient.
   *
   * @param value in the unit of the cost
   * @param gradient by the architecture parameters
   */
  record Estimate(double value, CellParameters gradient) {}

  /** The expected cost at some parameters; may draw random numbers. */
  Estimate estimate(CellParameters parameters);

  /** The same cost in another unit. */
  default ArchitectureCost scaled(double factor) {
    return parameters -> {
      Estimate estimate = estimate(parameters);
      double[] gradient = estimate.gradient().values();
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] *= factor;
      }
      estimate.gradient().set(gradient);
      return new Estimate(factor * estimate.value(), estimate.gradient());
    };
  }
}
