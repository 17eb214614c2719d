package dev.sextant.nas.policy;

import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Loss;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A loss and the expected cost it weighs, whose trade-off is controlled or kept. Not thread-safe.
 */
public final class ControlledLoss {
  private final Loss loss;
  private final @Nullable LambdaController controller;
  private double expectedCost;

  /**
   * A loss at its beginning.
   *
   * @param loss whose trade-off it is
   * @param controller of its trade-off, or null to keep it
   * @param expectedCost before the first step
   */
  public ControlledLoss(Loss loss, @Nullable LambdaController controller, double expectedCost) {
    this.loss = loss;
    this.controller = controller;
    this.expectedCost = expectedCost;
  }

  /** {@return the loss, with the trade-off in force} */
  public Loss loss() {
    return loss;
  }

  /** {@return the expected cost after the last step} */
  public double expectedCost() {
    return expectedCost;
  }

  /**
   * Takes note of the expected cost after a step in which nothing was learned about it.
   *
   * @param expected cost
   */
  public void observe(double expected) {
    expectedCost = expected;
  }

  /**
   * Takes note of a step, and sets the trade-off of the next one.
   *
   * @param crossEntropy of the step, in nats
   * @param expected cost
   * @param slopes of the step, with the cross-entropy's own gradient
   * @param rate of the architecture parameters
   */
  public void observe(
      double crossEntropy, double expected, LambdaController.Slopes slopes, double rate) {
    observe(expected);
    if (controller != null) {
      double weight = controller.observe(expected, slopes, rate);
      // The weight of the cost beside the cross-entropy is about linear in the lambda, or is.
      loss.setLambda(1);
      double unit =
          loss.perCost(crossEntropy, expected) / loss.perCrossEntropy(crossEntropy, expected);
      loss.setLambda(weight / unit);
    }
  }

  /** {@return what the next step depends on, for a checkpoint} */
  public double[] state() {
    double[] control = controller == null ? new double[0] : controller.state();
    double[] state = Arrays.copyOf(control, control.length + 2);
    state[control.length] = loss.lambda();
    state[control.length + 1] = expectedCost;
    return state;
  }

  /**
   * Continues from a checkpoint.
   *
   * @param saved as {@link #state} gave it
   */
  public void restore(double[] saved) {
    int control = saved.length - 2;
    if (controller != null) {
      controller.restore(Arrays.copyOf(saved, control));
    }
    loss.setLambda(saved[control]);
    expectedCost = saved[control + 1];
  }
}
