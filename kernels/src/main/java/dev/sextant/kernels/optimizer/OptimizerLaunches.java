package dev.sextant.kernels.optimizer;

import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.device.Staging;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.elementwise.ElementwiseLaunches;
import dev.sextant.kernels.optimizer.OptimizerStep.Rule;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.OptimizerRules;
import java.util.Arrays;
import java.util.List;

/**
 * {@link Optimizer} on a device: steps of many tensors are one launch; tensors that are not aligned
 * go one at a time.
 */
public final class OptimizerLaunches implements Optimizer {
  private final Kernels kernels;
  private final Staging staging;
  private int[] table = new int[1024];

  /** Kernels that are loaded there. */
  public OptimizerLaunches(Kernels kernels, Staging staging) {
    this.kernels = kernels;
    this.staging = staging;
  }

  @Override
  public void sgd(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    OptimizerRules.sgd(w, g, v);
    Tensor[] tensors = {w, g, v};
    step(nesterov ? Rule.SGD_NESTEROV : Rule.SGD, tensors, rate, momentum, decay);
  }

  @Override
  public void adam(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int step) {
    OptimizerRules.adam(w, g, m, v);
    Tensor[] tensors = {w, g, m, v};
    step(Rule.ADAM, tensors, adam(rate, beta1, beta2, epsilon, decay, step));
  }

  @Override
  public void rmsProp(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay) {
    OptimizerRules.rmsProp(w, g, s, v);
    Tensor[] tensors = {w, g, s, v};
    step(Rule.RMSPROP, tensors, rho, (float) (1.0 - rho), momentum, decay, rate, epsilon);
  }

  @Override
  public void sgd(
      List<Tensor[]> tensors, float rate, float momentum, float[] decays, boolean nesterov) {
    OptimizerRules.sgd(tensors, decays);
    steps(
        nesterov ? Rule.SGD_NESTEROV : Rule.SGD,
        tensors,
        i -> new float[] {rate, momentum, decays[i]});
  }

  @Override
  public void adam(
      List<Tensor[]> tensors,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float[] decays,
      int[] steps) {
    OptimizerRules.adam(tensors, decays, steps);
    steps(Rule.ADAM, tensors, i -> adam(rate, beta1, beta2, epsilon, decays[i], steps[i]));
  }

  @Override
  public void rmsProp(
      List<Tensor[]> tensors,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float[] decays) {
    OptimizerRules.rmsProp(tensors, decays);
    steps(
        Rule.RMSPROP,
        tensors,
        i -> new float[] {rho, (float) (1.0 - rho), momentum, decays[i], rate, epsilon});
  }

  private static float[] adam(
      float rate, float beta1, float beta2, float epsilon, float decay, int step) {
    return new float[] {
      beta1,
      beta2,
      (float) (1.0 - beta1),
      (float) (1.0 - beta2),
      decay,
      (float) (rate / (1 - Math.pow(beta1, step))),
      (float) (1 / (1 - Math.pow(beta2, step))),
      epsilon
    };
  }

  /** An optimizer step with its constants, in the order of {@link OptimizerStep.Rule}. */
  private void step(OptimizerStep.Rule rule, Tensor[] tensors, float... constants) {
    int size = tensors[0].size();
    if (size == 0) {
      return;
    }
    int width = Kernels.width(tensors);
    Launch launch = kernels.of(new OptimizerStep(rule, width));
    Kernels.arguments(launch, tensors);
    for (float constant : constants) {
      launch.number(constant);
    }
    ElementwiseLaunches.run(launch, size, width);
  }

  /** The constants of one tensor's step. */
  private interface Constants {
    /** Of tensor {@code index}, in the order of the rule. */
    float[] of(int index);
  }

  /**
   * A step.
   *
   * @param tensors of each parameter: weights, gradient, moments
   */
  private void steps(Rule rule, List<Tensor[]> tensors, Constants constants) {
    int rows = 0;
    int blocks = 0;
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] operands = tensors.get(i);
      if (together(operands)) {
        rows++;
        blocks += Kernels.ceil(operands[0].size(), OptimizerSteps.CHUNK);
      } else {
        step(rule, operands, constants.of(i));
      }
    }
    if (blocks == 0) {
      return;
    }
    int words = 2 * blocks + rows * OptimizerSteps.ROW;
    if (table.length < words) {
      table = new int[words + words / 2];
    }
    Arrays.fill(table, 0, words, 0);
    try (Tensor device = kernels.workspace(words, "table of tensors")) {
      Launch launch = kernels.of(new OptimizerSteps(rule));
      fill(tensors, constants, 2 * blocks, launch);
      long address = DeviceStorage.address(device);
      staging.upload(table, 0, words, address);
      launch
          .pointer(address, 8L * blocks)
          .pointer(address + 8L * blocks, 4L * rows * OptimizerSteps.ROW)
          .grid(blocks, 1, 1)
          .block(KernelSource.THREADS, 1)
          .run();
    }
  }

  private static boolean together(Tensor[] operands) {
    return operands[0].size() > 0 && Kernels.width(operands) == Kernels.VECTOR;
  }

  private void fill(List<Tensor[]> tensors, Constants constants, int rowsFrom, Launch launch) {
    int block = 0;
    int row = 0;
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] operands = tensors.get(i);
      if (!together(operands)) {
        continue;
      }
      int at = rowsFrom + row * OptimizerSteps.ROW;
      for (int a = 0; a < operands.length; a++) {
        long address = DeviceStorage.address(operands[a]);
        table[at + 2 * a] = OptimizerSteps.high(address);
        table[at + 2 * a + 1] = OptimizerSteps.low(address);
        launch.reaches(address, operands[a].bytes());
      }
      int size = operands[0].size();
      table[at + OptimizerSteps.SIZE] = size;
      float[] numbers = constants.of(i);
      for (int c = 0; c < numbers.length; c++) {
        table[at + OptimizerSteps.SIZE + 1 + c] = Float.floatToRawIntBits(numbers[c]);
      }
      for (int first = 0; first < size; first += OptimizerSteps.CHUNK) {
        table[block++] = row;
        table[block++] = first;
      }
      row++;
    }
  }
}
