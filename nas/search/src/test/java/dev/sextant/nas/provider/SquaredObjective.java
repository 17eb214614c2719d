package dev.sextant.nas.provider;

import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.ObjectiveProvider;
import dev.sextant.nas.objective.ObjectiveRequest;

/** CE + lambda (E / T)^2, whose trade-off stays. */
public final class SquaredObjective implements ObjectiveProvider<Loss> {
  @Override
  public String id() {
    return "test-squared";
  }

  @Override
  public String summary() {
    return "loss CE + lambda (E/T)^2";
  }

  @Override
  public Class<Loss> type() {
    return Loss.class;
  }

  @Override
  public double lambda() {
    return 0.3;
  }

  @Override
  public Loss objective(ObjectiveRequest request) {
    double budget = request.budget();
    return new Loss.Provided(request.lambda()) {
      @Override
      public double loss(double crossEntropy, double cost) {
        return crossEntropy + lambda() * cost * cost / (budget * budget);
      }

      @Override
      public double perCrossEntropy(double crossEntropy, double cost) {
        return 1;
      }

      @Override
      public double perCost(double crossEntropy, double cost) {
        return 2 * lambda() * cost / (budget * budget);
      }
    };
  }
}
