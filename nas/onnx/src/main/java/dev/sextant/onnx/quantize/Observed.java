package dev.sextant.onnx.quantize;

import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;

/** Passes a value on and counts how large its numbers are. Confined to one thread. */
final class Observed implements LayerKernel {
  private static final int BINS = 4096;

  private final long[] counts = new long[BINS];

  /** The bins reach from 0 to this. */
  private float reach;

  private float largest;

  @Override
  public String name() {
    return "observed";
  }

  @Override
  public Shape output(List<Shape> inputs) {
    return inputs.getFirst();
  }

  @Override
  public void forward(Backend backend, List<Tensor> operands, Tensor y) {
    Tensor x = operands.getFirst();
    backend.elementwise().copy(x, y);
    for (int i = 0; i < x.size(); i++) {
      count(Math.abs(x.floats()[x.offset() + i]));
    }
  }

  private void count(float magnitude) {
    largest = Math.max(largest, magnitude);
    if (reach == 0) {
      reach = magnitude;
    }
    while (magnitude > reach) {
      // Twice as far: two bins become one.
      reach *= 2;
      for (int i = 0; i < BINS; i++) {
        counts[i] = i < BINS / 2 ? counts[2 * i] + counts[2 * i + 1] : 0;
      }
    }
    if (magnitude > 0) {
      counts[Math.min(BINS - 1, (int) (magnitude / reach * BINS))]++;
    }
  }

  float largest() {
    return largest;
  }

  /** What that share of the numbers other than 0 does not pass. */
  float percentile(double share) {
    long all = 0;
    for (long count : counts) {
      all += count;
    }
    long below = 0;
    for (int i = 0; i < BINS; i++) {
      below += counts[i];
      if (below >= share * all) {
        return Math.min(largest, reach * (i + 1) / BINS);
      }
    }
    return largest;
  }
}
