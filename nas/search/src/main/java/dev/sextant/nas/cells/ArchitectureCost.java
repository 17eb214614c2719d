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

  /**
   * {@return the expected cost at some parameters; may draw random numbers}
   *
   * @param parameters of the cells, as they are now
   */
  Estimate estimate(CellParameters parameters);

  /**
   * {@return the same cost in another unit}
   *
   * @param factor what costs are multiplied by
   */
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
