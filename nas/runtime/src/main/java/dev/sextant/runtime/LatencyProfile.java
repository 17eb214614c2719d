package dev.sextant.runtime;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Measures a layer alone, or a whole network, on the compiled runtime: the rows of a latency table
 * and what they are checked against.
 *
 * <p>A layer runs through the same program and kernels as inside a network, on random images of
 * unit variance. In a network its weights were pushed out of the near caches by those of all other
 * layers since the last image; so a layer is measured as several copies side by side, each with
 * weights of its own, as many as hold what a mobile network holds, and the time divided by their
 * number. (Measured: a linear layer of 1280 x 1000 alone on warm weights takes a third of its time
 * within mobilenet-v2.)
 *
 * @param device where to run
 * @param threads workers per kernel; 1 unless there is reason for more
 * @param meter how to measure
 * @param percentile of whole networks that a budget is of
 */
public record LatencyProfile(
    Device device, int threads, LatencyMeter meter, Latency.Percentile percentile) {
  /**
   * A profile of medians.
   *
   * @param device where to run
   * @param threads workers per kernel
   * @param meter how to measure
   */
  public LatencyProfile(Device device, int threads, LatencyMeter meter) {
    this(device, threads, meter, Latency.Percentile.P50);
  }

  /** Four million weights, about those of the mobile networks. */
  private static final long WEIGHT_BYTES = 16 << 20;

  /** Layers with fewer weights than 1 / 16 of that spend no time on them. */
  private static final int MAX_COPIES = 16;

  /** Runs of a network whose layers are timed, and as many before. */
  private static final int LAYER_RUNS = 101;

  private static final long LAYER_NANOS = 3_000_000_000L;

  /** One thread of the CPU. */
  public static final LatencyProfile DEFAULT =
      new LatencyProfile(Device.CPU, 1, LatencyMeter.DEFAULT);

  /**
   * {@return one layer on an input {@code [N, H, W, C]}, or {@code [N, C]} for a linear one; {@link
   * Latency#NOTHING} for skip and zero}
   *
   * @param layer of an architecture
   * @param input of the batch to measure
   * @throws SextantException if the layer cannot take the input
   */
  public Latency layer(Layer layer, Shape input) {
    layer.output(input);
    if (layer.isFree()) {
      return Latency.NOTHING;
    }
    long bytes = Math.max(1, layer.parameters(input) * Float.BYTES);
    int copies = Math.clamp((WEIGHT_BYTES + bytes - 1) / bytes, 1, MAX_COPIES);
    Weights weights = Weights.random(WeightNames.of(layer, input), 1);
    ProgramBuilder builder = new ProgramBuilder(weights, Architecture.DEFAULT_BATCH_NORM_EPSILON);
    int value = builder.value(input);
    List<Shape> inputs = layer.operations(input).inputs();
    int before = inputs.size() == 2 ? builder.value(inputs.getFirst()) : Program.NONE;
    for (int i = 0; i < copies; i++) {
      // Every call folds the weights into parameters of its own.
      builder.layer(WeightNames.prefix(0), layer, before, value);
    }
    Program program = builder.program();
    SharedWeights shared = new SharedWeights(device, threads, program, builder.parameters());
    BufferPlan plan = BufferPlan.reusing(program);
    try (Execution execution =
        new Execution(program, plan, shared, new Execution.Place(device, threads))) {
      fill(execution, value, 2);
      if (before != Program.NONE) {
        fill(execution, before, 3);
      }
      return meter.measure(execution::runToEnd).dividedBy(copies);
    }
  }

  /** Of sorted times; 0 stands where a run was left out. */
  private static double medianOfRuns(double[] sorted) {
    int first = 0;
    while (first < sorted.length - 1 && sorted[first] == 0) {
      first++;
    }
    return sorted[(first + sorted.length) / 2];
  }

  private static void fill(Execution execution, int value, long seed) {
    float[] images = new float[execution.value(value).size()];
    Weights.normal(new Rng(seed), 1, images);
    execution.backend().upload(images, 0, execution.value(value));
  }

  /**
   * {@return milliseconds of each layer within a network with random weights, medians; 0 for a
   * layer that computes nothing}
   *
   * <p>Together they are a little more than the network: each step is timed on its own.
   *
   * @param architecture the network
   * @param batch number of images
   */
  public double[] layers(Architecture architecture, int batch) {
    int[] ends = new int[architecture.layers().size()];
    ProgramBuilder builder =
        ProgramBuilder.network(architecture, Weights.random(architecture, 1), batch, ends);
    Program program = builder.program();
    SharedWeights shared = new SharedWeights(device, threads, program, builder.parameters());
    double[][] ms = new double[ends.length][LAYER_RUNS];
    long[] nanos = new long[program.steps().size()];
    try (Execution execution =
        new Execution(
            program, BufferPlan.reusing(program), shared, new Execution.Place(device, threads))) {
      // The first ones are still being compiled; of a large network there are fewer.
      long end = System.nanoTime() + LAYER_NANOS;
      for (int run = -LAYER_RUNS; run < LAYER_RUNS; run++) {
        if (run < 0 && System.nanoTime() > end) {
          run = LAYER_RUNS - 1;
        }
        // A run may overwrite its input.
        fill(execution, program.input(), 2);
        execution.timeSteps(nanos);
        for (int i = 0, step = 0; run >= 0 && i < ms.length; i++) {
          for (; step < ends[i]; step++) {
            ms[i][run] += nanos[step] * 1e-6;
          }
        }
      }
    }
    return Arrays.stream(ms).peek(Arrays::sort).mapToDouble(LatencyProfile::medianOfRuns).toArray();
  }

  /**
   * {@return a whole network with random weights, from images in an array to logits in an array;
   * repeated until it is steady}
   *
   * @param architecture the network
   * @param batch number of images
   */
  public Latency network(Architecture architecture, int batch) {
    Weights weights = Weights.random(architecture, 1);
    try (CompiledModel model =
        CompiledModel.compile(architecture, weights, device, threads, batch)) {
      return meter.steady(() -> meter.measure(model));
    }
  }
}
