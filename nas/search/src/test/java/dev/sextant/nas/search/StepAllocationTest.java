package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The steps of a search on the space of CIFAR, gates drawn anew in each: a weight step with label
 * smoothing and SGD, then an architecture step with Adam and the control of the trade-off.
 */
@Tag("steady-state")
class StepAllocationTest {
  private static final int SIZE = 8;
  private static final int BATCH = 4;
  private static final int IMAGES = 8000;
  private static final int WINDOW = 5;

  /**
   * Bytes taken by the thread of the search and the workers in the best window of {@link #WINDOW}
   * steps: exactly 0. The best, because other windows hold what is not steady yet or not a step:
   * kernels that the compiler has not come to, whose vectors are objects; a path of blocks that
   * were never held together before; the end of an epoch. A step that allocates always shows in
   * every window. The thread that makes batches is not counted.
   */
  @ParameterizedTest
  @EnumSource(
      value = GateMode.class,
      names = {"RECOMPUTE", "TWO_PATH"})
  void weightAndArchitectureStepsAllocateNothing(GateMode mode) {
    assertAllocatesNothing(
        mode.toString(), "proxyless-cifar", config(PublishedMethod.PROXYLESS_G, mode));
  }

  /** Thresholds learn in the weight steps: there are no others. */
  @Test
  void stepsOfThresholdsAllocateNothing() {
    assertAllocatesNothing(
        "thresholds", "single-path-cifar", config(PublishedMethod.SINGLE_PATH, GateMode.RECOMPUTE));
  }

  /** On single paths that come up equally often, after one network was scored. */
  @Test
  void stepsOfEqualPathsAllocateNothing() {
    assertAllocatesNothing(
        "equal paths", "proxyless-cifar", config(PublishedMethod.FRONT, GateMode.RECOMPUTE));
  }

  private static void assertAllocatesNothing(String what, String name, SearchConfig config) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    ImageDataset data = noise();
    Space space = Space.named(name).withInput(new Architecture.Input(SIZE, SIZE, 3), 10);
    ExpectedCost cost = cost(space);
    try (Backend backend = Backend.cpu(2)) {
      long[] workers =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().startsWith("sextant-worker"))
              .mapToLong(Thread::threadId)
              .toArray();
      warmUpRareKernels(backend);
      RunStage stage = stage(config, backend, space, data, cost);
      long least = Long.MAX_VALUE;
      int steps = 0;
      // On a busy machine the compiler takes a while.
      long end = System.nanoTime() + 180_000_000_000L;
      while (least > 0 && System.nanoTime() < end) {
        long ofWorkers = allocated(threads, workers);
        long own = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < WINDOW; i++) {
          stage.step();
        }
        own = threads.getCurrentThreadAllocatedBytes() - own;
        ofWorkers = allocated(threads, workers) - ofWorkers;
        steps += WINDOW;
        least = Math.min(least, own + ofWorkers);
      }
      stage.close();
      System.out.printf(
          "%s: %d bytes in %d steps, after %d%n", what, least, WINDOW, steps - WINDOW);
      assertEquals(0, least);
      assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    }
  }

  private static RunStage stage(
      SearchConfig config, Backend backend, Space space, ImageDataset data, ExpectedCost cost) {
    Pricing pricing = new Pricing.OfChain(space, Counts.MACS, cost);
    Split split = Split.stratified(data.train(), 0.5, 1);
    Passes passes = Passes.of(backend, space);
    return switch (config.recipe()) {
      case Recipe.Random _, Shrinking _ -> throw new IllegalArgumentException("no supernet");
      case Recipe.Scored<?> recipe ->
          new FrontStage<>(
              config, recipe, space, pricing, data, split, passes, (event, fields) -> {});
      case Recipe.InSupernet<?, ?> recipe ->
          new SupernetStage<>(
              new Assembly<>(config, recipe, backend, space, pricing, cost),
              data,
              split,
              passes,
              (event, fields) -> {});
    };
  }

  private static long allocated(ThreadMXBean threads, long[] ids) {
    long sum = 0;
    for (long id : ids) {
      sum += threads.getThreadAllocatedBytes(id);
    }
    return sum;
  }

  /** What runs on a few rows once or twice a step would not be compiled for thousands of steps. */
  private static void warmUpRareKernels(Backend backend) {
    try (Memory.Scope _ = backend.memory().scope()) {
      Tensor logits = backend.memory().zeros(Shape.of(16, 10), Category.DATA, "logits");
      Tensor gradient = backend.memory().zeros(Shape.of(16, 10), Category.DATA, "gradient");
      Tensor bias = backend.memory().zeros(Shape.of(10), Category.DATA, "bias");
      Tensor labels = backend.memory().ints(Shape.of(16), Category.DATA, "labels");
      labels.set(new int[16]);
      for (int i = 0; i < 3000; i++) {
        backend.loss().softmaxCrossEntropy(logits, labels, 0.1f, null);
        backend.loss().softmaxCrossEntropy(logits, labels, 0.1f, gradient);
        backend.loss().countCorrect(logits, labels);
        backend.channels().sum(gradient, bias);
        backend.channels().addBias(logits, bias, gradient);
        backend
            .elementwise()
            .scale(gradient, (float) backend.elementwise().sum(gradient), gradient);
      }
    }
  }

  private static ImageDataset noise() {
    byte[] pixels = new byte[IMAGES * SIZE * SIZE * 3];
    Rng rng = new Rng(1);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    int[] labels = IntStream.range(0, IMAGES).map(i -> i % 10).toArray();
    Images images = Images.of(SIZE, SIZE, 3, pixels, labels);
    List<String> names = IntStream.range(0, 10).mapToObj(Integer::toString).toList();
    return ImageDataset.of("noise", names, images, images);
  }

  private static ExpectedCost cost(Space space) {
    double[][] costs =
        space.choices().stream()
            .map(
                choice ->
                    IntStream.range(0, choice.candidates().size())
                        .mapToDouble(j -> 0.1 * (j % 6 + 1))
                        .toArray())
            .toArray(double[][]::new);
    return new ExpectedCost(1, costs);
  }

  private static SearchConfig config(PublishedMethod method, GateMode mode) {
    SearchConfig config = method.config(6);
    return config
        .withSeed(1)
        .withImages(new SearchImages(1, 0.5), new BatchConfig(BATCH, "light", 0.1))
        .withWeights(
            new WeightSteps(0, 0, 1000, 1e-4, 0, false, WeightSteps.Optimizer.SGD),
            DescentConfig.DEFAULT)
        .withArchitecture(new ArchitectureSteps(0, 1, 0.006, 1, 1, mode, false))
        .withRandomSamples(0);
  }
}
