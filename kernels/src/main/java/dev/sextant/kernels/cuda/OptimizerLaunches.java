package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.OptimizerStep.Rule;
import dev.sextant.kernels.family.OptimizerSteps;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** Optimizer steps of many tensors at once; tensors that are not aligned go one at a time. */
final class OptimizerLaunches {
  private final Kernels kernels;
  private final ElementLaunches elements;
  private final Staging staging;
  private int[] table = new int[1024];

  OptimizerLaunches(Kernels kernels, ElementLaunches elements, Staging staging) {
    this.kernels = kernels;
    this.elements = elements;
    this.staging = staging;
  }

  /** The constants of one tensor's step. */
  interface Constants {
    /** Of tensor {@code index}, in the order of the rule. */
    float[] of(int index);
  }

  /**
   * A step.
   *
   * @param tensors of each parameter: weights, gradient, moments
   */
  void steps(Rule rule, List<Tensor[]> tensors, Constants constants) {
    int rows = 0;
    int blocks = 0;
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] operands = tensors.get(i);
      if (together(operands)) {
        rows++;
        blocks += Kernels.ceil(operands[0].size(), OptimizerSteps.CHUNK);
      } else {
        elements.step(rule, operands, constants.of(i));
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
