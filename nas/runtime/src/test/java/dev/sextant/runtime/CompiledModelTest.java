package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class CompiledModelTest {
  /** Runs of which not one byte may be allocated in all. */
  private static final int RUNS = 200;

  /** Weights as training leaves them: no statistic is the identity. */
  static Weights trained(SequencedMap<String, Shape> shapes, long seed) {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    Weights.random(shapes, seed)
        .entries()
        .forEach(
            (name, entry) -> {
              Rng rng = Rng.of(seed, name.hashCode());
              float[] values = entry.values().clone();
              if (!name.endsWith("weight")) {
                boolean positive = name.endsWith("variance") || name.endsWith("gamma");
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) (positive ? rng.uniform(0.3, 2) : 0.3 * rng.nextGaussian());
                }
              }
              entries.put(name, new Weights.Entry(entry.shape(), values));
            });
    return new Weights(entries, Map.of());
  }

  static Architecture small() {
    return new Architecture(
        "small",
        5,
        new Architecture.Input(17, 19, 3),
        1e-3,
        List.of(
            new Conv(3, 2, 1, 16, true, Activation.HSWISH),
            new Skip(),
            new MbConv(3, 1, 1, 16, Activation.RELU, 0.25, true),
            new MbConv(5, 2, 3, 24, Activation.RELU6, 0, false),
            new MbConv(7, 1, 6, 24, Activation.HSWISH, 0.25, true),
            new Separable(3, 1, 2, 24, Activation.RELU),
            new Pool(true, 3, 1),
            new Conv(1, 1, 1, 40, true, Activation.RELU6),
            new GlobalAvgPool(),
            new Linear(5)));
  }

  static float[] images(int size, long seed) {
    float[] images = new float[size];
    Weights.normal(new Rng(seed), 1, images);
    return images;
  }

  static Stream<Layer> layers() {
    List<Layer> layers = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      layers.add(new Conv(3, 1, 1, 13, true, activation));
      layers.add(new Depthwise(3, 1, 1, true, activation));
      layers.add(new MbConv(3, 1, 3, 24, activation, 0, true));
    }
    for (int stride = 1; stride <= 3; stride++) {
      layers.add(new Conv(1, stride, 1, 16, false, Activation.HSWISH));
      layers.add(new Conv(5, stride, 2, 8, true, Activation.RELU));
      layers.add(new Depthwise(5, stride, 1, false, Activation.RELU6));
      layers.add(new Depthwise(3, stride, 2, true, Activation.HSWISH));
      layers.add(new Separable(5, stride, 2, 31, Activation.RELU));
      layers.add(new MbConv(7, stride, 6, 40, Activation.HSWISH, 0.25, false));
      layers.add(new MbConv(5, stride, 1, 24, Activation.RELU6, 0.5, stride == 1));
      layers.add(new Pool(true, 3, stride));
      layers.add(new Pool(false, 5, stride));
    }
    layers.add(new Skip());
    layers.add(new GlobalAvgPool());
    return layers.stream();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void everyLayerComputesItsDefinition(Layer layer) {
    assertComputes(layer, Shape.of(1, 11, 14, 24));
    assertComputes(layer, Shape.of(3, 9, 8, 24));
  }

  @Test
  void linearComputesItsDefinition() {
    assertComputes(new Linear(10), Shape.of(1, 37));
    assertComputes(new Linear(33), Shape.of(4, 16));
    assertComputes(new Linear(9, Activation.HSWISH), Shape.of(2, 16));
  }

  private static void assertComputes(Layer layer, Shape input) {
    Weights weights = trained(WeightNames.of(layer, input), 3);
    float[] images = images(input.size(), 4);
    float[] expected;
    try (ReferenceNetwork network = new ReferenceNetwork(weights, 1e-3)) {
      expected = network.layer("layers.0.", layer, network.floats(input).set(images)).toArray();
    }
    ProgramBuilder builder = new ProgramBuilder(weights, 1e-3);
    builder.layer("layers.0.", layer, Program.NONE, builder.value(input));
    Program program = builder.program();
    for (Device device : List.of(Device.REFERENCE, Device.CPU)) {
      for (int threads = 1; threads <= 2; threads++) {
        SharedWeights shared = new SharedWeights(device, threads, program, builder.parameters());
        try (Execution execution =
            new Execution(
                program,
                BufferPlan.reusing(program),
                shared,
                new Execution.Place(device, threads))) {
          execution.input().set(images);
          execution.run();
          Tensor out = execution.output();
          assertEquals(layer.output(input), out.shape());
          assertClose(expected, out.toArray(), 1e-4, layer + " on " + device);
        }
      }
    }
  }

  /** Differences relative to the largest expected value. */
  private static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    double scale = 1;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], tolerance * scale, what + " at " + i);
    }
  }

  /** Large ones run in bands of rows, and only where nothing else reads what they expand. */
  @Test
  void largeExpansionsComputeTheirDefinition() {
    for (MbConv block :
        List.of(
            new MbConv(3, 1, 6, 24, Activation.RELU6, 0, true),
            new MbConv(5, 2, 6, 40, Activation.RELU, 0, false),
            new MbConv(3, 1, 6, 32, Activation.HSWISH, 0.25, false))) {
      assertComputes(block, Shape.of(1, 45, 41, 24));
      assertComputes(block, Shape.of(2, 40, 41, 24));
    }
    Conv wide = new Conv(1, 1, 1, 144, true, Activation.RELU);
    Depthwise filter = new Depthwise(3, 1, 1, true, Activation.RELU);
    Architecture forked =
        new Architecture(
            "forked",
            5,
            new Architecture.Input(40, 41, 24),
            1e-3,
            List.of(
                wide,
                new Junction(Junction.Kind.FORK),
                filter,
                new Junction(Junction.Kind.NEXT),
                new Junction(Junction.Kind.SUM),
                new GlobalAvgPool(),
                new Linear(5)));
    Weights weights = Weights.random(forked, 5);
    Program program = ProgramBuilder.network(forked, weights, 1).program();
    assertTrue(program.steps().stream().noneMatch(Program.Expanded.class::isInstance));
  }

  @Test
  void aNetworkComputesItsDefinition() {
    Architecture architecture = small();
    Weights weights = trained(WeightNames.of(architecture), 5);
    for (int batch : new int[] {1, 3}) {
      float[] images = images(architecture.input().shape(batch).size(), 6);
      float[] expected = ReferenceNetwork.logits(architecture, weights, images, batch);
      float[] logits = new float[batch * 5];
      for (int threads = 1; threads <= 2; threads++) {
        try (CompiledModel model =
            CompiledModel.compile(architecture, weights, Device.CPU, threads, batch)) {
          model.run(images, logits);
          assertClose(expected, logits, 1e-4, "batch " + batch);
          model.warmUp();
          model.run(images, logits);
          assertClose(expected, logits, 1e-4, "after warm-up");
        }
      }
    }
  }

  @Test
  void everyWeightMatters() {
    Architecture architecture = small();
    Weights weights = trained(WeightNames.of(architecture), 5);
    float[] images = images(architecture.input().shape(1).size(), 6);
    float[] before = new float[5];
    try (CompiledModel model = CompiledModel.compile(architecture, weights)) {
      model.run(images, before);
    }
    for (String name : weights.entries().keySet()) {
      SequencedMap<String, Weights.Entry> changed = new LinkedHashMap<>(weights.entries());
      float[] values = weights.get(name).values().clone();
      for (int i = 0; i < values.length; i++) {
        values[i] += 0.5f;
      }
      changed.put(name, new Weights.Entry(weights.get(name).shape(), values));
      float[] after = new float[5];
      try (CompiledModel model =
          CompiledModel.compile(architecture, new Weights(changed, Map.of()))) {
        model.run(images, after);
      }
      assertTrue(!Arrays.equals(before, after), name + " changes nothing");
    }
  }

  @Test
  void forksGiveTheSameLogitsOnManyThreads() throws Exception {
    Architecture architecture = small();
    Weights weights = trained(WeightNames.of(architecture), 5);
    float[] images = images(architecture.input().shape(1).size(), 6);
    float[] expected = new float[5];
    CompiledModel model = CompiledModel.compile(architecture, weights);
    model.run(images, expected);
    List<CompiledModel> forks = List.of(model.fork(), model.fork(), model.fork(), model.fork());
    // The first may go before its forks: the weights stay until the last.
    model.close();
    model.close();
    CountDownLatch start = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newFixedThreadPool(forks.size())) {
      List<Future<float[]>> results = new ArrayList<>();
      for (CompiledModel fork : forks) {
        results.add(
            threads.submit(
                () -> {
                  start.await();
                  float[] logits = new float[5];
                  for (int i = 0; i < 200; i++) {
                    fork.run(images, logits);
                  }
                  return logits;
                }));
      }
      start.countDown();
      for (Future<float[]> result : results) {
        assertArrayEquals(expected, result.get());
      }
    }
    forks.forEach(CompiledModel::close);
    assertThrows(SextantException.class, model::fork);
    assertThrows(SextantException.class, () -> forks.getFirst().run(images, expected));
  }

  @Test
  void twoThreadsInOneInstanceAreRefused() throws Exception {
    Architecture architecture = small();
    float[] images = images(architecture.input().shape(1).size(), 6);
    try (CompiledModel model =
            CompiledModel.compile(architecture, Weights.random(architecture, 1));
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Future<Integer>> refusals = new ArrayList<>();
      for (int t = 0; t < 2; t++) {
        refusals.add(
            threads.submit(
                () -> {
                  int refused = 0;
                  float[] logits = new float[5];
                  long end = System.nanoTime() + 2_000_000_000L;
                  while (refused == 0 && System.nanoTime() < end) {
                    try {
                      model.run(images, logits);
                    } catch (SextantException e) {
                      refused++;
                    }
                  }
                  return refused;
                }));
      }
      assertTrue(refusals.get(0).get() + refusals.get(1).get() > 0);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 3", "2, 1", "2, 3"})
  @Tag("steady-state")
  void aRunAllocatesNothing(int threads, int batch) {
    Architecture architecture = small();
    ThreadMXBean allocated = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Set<Long> ids = new HashSet<>(threadIds());
    Weights weights = Weights.random(architecture, 1);
    try (CompiledModel model =
        CompiledModel.compile(architecture, weights, Device.CPU, threads, batch)) {
      float[] images = images(model.inputSize(), 6);
      byte[] pixels = new byte[images.length];
      float[] logits = new float[5 * batch];
      Set<Long> workers = new HashSet<>(threadIds());
      workers.removeAll(ids);
      workers.add(Thread.currentThread().threadId());
      long[] own = workers.stream().mapToLong(Long::longValue).toArray();
      long least = Long.MAX_VALUE;
      // Until the JIT compilers are done, vectors are boxed; on a busy machine that takes a while.
      long end = System.nanoTime() + 120_000_000_000L;
      while (least > 0 && System.nanoTime() < end) {
        model.warmUp();
        long before = bytes(allocated, own);
        for (int i = 0; i < RUNS / 2; i++) {
          model.run(images, logits);
          model.runPixels(pixels, logits);
        }
        least = Math.min(least, bytes(allocated, own) - before);
      }
      // Asking for the numbers may take a little.
      assertTrue(least < RUNS, least + " bytes in " + RUNS + " runs");
    }
  }

  private static List<Long> threadIds() {
    return Thread.getAllStackTraces().keySet().stream().map(Thread::threadId).toList();
  }

  private static long bytes(ThreadMXBean allocated, long[] threads) {
    long bytes = 0;
    for (long id : threads) {
      bytes += allocated.getThreadAllocatedBytes(id);
    }
    return bytes;
  }

  @Test
  void pixelsAreNormalisedAsTheMetadataSays() {
    Architecture architecture = small();
    Weights plain = trained(WeightNames.of(architecture), 5);
    Weights scaled =
        plain
            .withMetadata(CompiledModel.MEAN, "0.5, 0.25,0.125")
            .withMetadata(CompiledModel.DEVIATION, "0.2,0.3,0.4");
    byte[] pixels = new byte[17 * 19 * 3];
    Rng rng = new Rng(7);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    double[] mean = {0.5, 0.25, 0.125};
    double[] deviation = {0.2, 0.3, 0.4};
    float[] images = new float[pixels.length];
    for (int i = 0; i < images.length; i++) {
      double value = (pixels[i] & 0xff) / 255.0;
      images[i] = (float) ((value - mean[i % 3]) / deviation[i % 3]);
    }
    float[] expected = new float[5];
    float[] actual = new float[5];
    try (CompiledModel model = CompiledModel.compile(architecture, scaled)) {
      model.run(images, expected);
      model.runPixels(pixels, actual);
      assertArrayEquals(expected, actual);
      int best = 0;
      for (int i = 1; i < 5; i++) {
        best = expected[i] > expected[best] ? i : best;
      }
      assertEquals(best, model.classify(pixels));
    }
    // What lost a part of its metadata takes images that are normalised, and no pixels.
    for (Weights lost : List.of(plain, plain.withMetadata(CompiledModel.MEAN, "0,0,0"))) {
      try (CompiledModel model = CompiledModel.compile(architecture, lost)) {
        model.run(images, expected);
        SextantException e =
            assertThrows(SextantException.class, () -> model.runPixels(pixels, actual));
        assertEquals(
            "small: the weights do not say mean and deviation of the training pixels (their"
                + " metadata was lost?); set them by Weights.withMetadata, or run images that are"
                + " normalised",
            e.getMessage());
        assertThrows(SextantException.class, () -> model.classify(pixels));
        model.run(images, actual);
        assertArrayEquals(expected, actual);
      }
    }
    for (String bad : List.of("1,2", "1,2,x", "1,2,NaN", "1,2,0", "1,2,-1", "")) {
      Weights broken = plain.withMetadata(CompiledModel.DEVIATION, bad);
      assertThrows(SextantException.class, () -> CompiledModel.compile(architecture, broken), bad);
    }
  }

  @Test
  void wrongWeightsAreNamed() {
    Architecture architecture = small();
    Weights good = Weights.random(architecture, 1);
    String name = "layers.4.project.weight";
    Weights.Entry entry = good.get(name);
    SequencedMap<String, Weights.Entry> missing = new LinkedHashMap<>(good.entries());
    missing.remove(name);
    assertRefused(architecture, missing, "small: the weights lack " + name);
    SequencedMap<String, Weights.Entry> extra = new LinkedHashMap<>(good.entries());
    extra.put("layers.99.weight", entry);
    assertRefused(architecture, extra, "layers.99.weight");
    SequencedMap<String, Weights.Entry> misshapen = new LinkedHashMap<>(good.entries());
    Shape turned = Shape.of(1, 1, entry.shape().get(3), entry.shape().get(2));
    misshapen.put(name, new Weights.Entry(turned, entry.values()));
    assertRefused(architecture, misshapen, "'" + name + "' must be [1,1,144,24] (it is");
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      SequencedMap<String, Weights.Entry> notFinite = new LinkedHashMap<>(good.entries());
      float[] values = entry.values().clone();
      values[17] = bad;
      notFinite.put(name, new Weights.Entry(entry.shape(), values));
      assertRefused(architecture, notFinite, "'" + name + "' hold " + bad + " at 17");
    }
    String variance = "layers.0.norm.variance";
    SequencedMap<String, Weights.Entry> negative = new LinkedHashMap<>(good.entries());
    float[] values = good.get(variance).values().clone();
    values[2] = -1;
    negative.put(variance, new Weights.Entry(good.get(variance).shape(), values));
    assertRefused(architecture, negative, variance + "[2]: -1.0 is negative");
  }

  private static void assertRefused(
      Architecture architecture, SequencedMap<String, Weights.Entry> entries, String message) {
    Weights weights = new Weights(entries, Map.of());
    SextantException e =
        assertThrows(SextantException.class, () -> CompiledModel.compile(architecture, weights));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void wrongArraysAreRefused() {
    Architecture architecture = small();
    Weights weights = Weights.random(architecture, 1);
    float[] images = new float[17 * 19 * 3];
    float[] logits = new float[5];
    try (CompiledModel model = CompiledModel.compile(architecture, weights)) {
      assertThrows(SextantException.class, () -> model.run(new float[3], logits));
      assertThrows(SextantException.class, () -> model.run(images, new float[4]));
      assertThrows(SextantException.class, () -> model.runPixels(new byte[3], logits));
      assertThrows(SextantException.class, () -> model.classify(new byte[3]));
      // A refused call leaves the model usable.
      model.run(images, logits);
    }
    assertThrows(
        SextantException.class,
        () -> CompiledModel.compile(architecture, weights, Device.CPU, 1, 0));
    assertThrows(
        SextantException.class,
        () -> CompiledModel.compile(architecture, weights, Device.CPU, 0, 1));
    try (CompiledModel model = CompiledModel.compile(architecture, weights, Device.CPU, 1, 2)) {
      assertThrows(SextantException.class, () -> model.classify(new byte[17 * 19 * 3]));
    }
  }
}
