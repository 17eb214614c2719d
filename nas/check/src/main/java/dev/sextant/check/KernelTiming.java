package dev.sextant.check;

import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Times every family of kernels on one device, on operands several times larger than its caches:
 * images {@code [256, 32, 32, 96]}, 96 MiB each. Bytes are those that must be moved, so that a
 * kernel that reads something twice shows it.
 */
final class KernelTiming {
  private static final int ROUNDS = 5;

  /** Of one round, so that launching and the clock cost nothing. */
  private static final double ROUND_MS = 10;

  private static final int CHANNELS = 96;
  private static final int CLASSES = 1000;

  private final Driver driver;
  private final CudaBackend backend;
  private final boolean quick;
  private final int batch;
  private final int side;
  private final List<KernelTime> times = new ArrayList<>();

  /**
   * How long the device took for one piece of work.
   *
   * @param work what was done, such as {@code depthwise 3x3 s1}
   * @param kernels names of the kernels it launched; none where a library did it
   * @param ms median time of one run
   * @param bytes that must be moved: each input read once, each output written once
   * @param flops floating-point operations, where they may be the limit; else 0
   */
  record KernelTime(String work, List<String> kernels, double ms, long bytes, long flops) {
    /** Copies the list. */
    KernelTime {
      kernels = List.copyOf(kernels);
    }
  }

  private KernelTiming(CudaBackend backend, boolean quick) {
    this.backend = backend;
    this.quick = quick;
    driver = backend.driver();
    batch = quick ? 1 : 256;
    side = quick ? 8 : 32;
  }

  /**
   * Times them all; a copy in device memory, which bounds the others, comes first.
   *
   * @param quick tiny operands and one run: whether it works, not how fast
   */
  static List<KernelTime> run(CudaBackend backend, boolean quick) {
    KernelTiming timing = new KernelTiming(backend, quick);
    timing.copy();
    for (Runnable group :
        List.<Runnable>of(
            timing::elementwise,
            timing::channels,
            timing::norms,
            timing::depthwise,
            timing::normalized,
            timing::poolings,
            timing::training,
            timing::libraries)) {
      try (Memory.Scope _ = backend.memory().scope()) {
        group.run();
      }
    }
    return timing.times;
  }

  // ---- operands

  private Tensor random(Shape shape) {
    Tensor tensor = backend.memory().floats(shape, Memory.Category.DATA, "operand");
    // Zeros would be faster than data is: the values matter to the power that is drawn.
    float[] values = new float[Math.min(shape.size(), 1 << 16)];
    Rng rng = new Rng(17);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.uniform(0.1, 1);
    }
    long address = DeviceStorage.address(tensor);
    driver.upload(values, 0, values.length, address);
    for (int done = values.length; done < shape.size(); ) {
      int count = Math.min(done, shape.size() - done);
      driver.copy(address, address + 4L * done, 4L * count);
      done += count;
    }
    return tensor;
  }

  private Tensor image() {
    return random(Shape.of(batch, side, side, CHANNELS));
  }

  private Tensor vector() {
    return random(Shape.of(CHANNELS));
  }

  private static long bytes(Tensor... tensors) {
    return Arrays.stream(tensors).mapToLong(Tensor::bytes).sum();
  }

  // ---- timing

  private void time(String work, long bytes, long flops, Runnable run) {
    Set<String> names = new TreeSet<>();
    backend.kernels().naming(names, run);
    driver.synchronize();
    double once = driver.milliseconds(run);
    int repeats = quick ? 1 : (int) Math.clamp(Math.ceil(ROUND_MS / Math.max(once, 1e-3)), 1, 2000);
    double[] rounds = new double[quick ? 1 : ROUNDS];
    for (int round = 0; round < rounds.length; round++) {
      double ms =
          driver.milliseconds(
              () -> {
                for (int i = 0; i < repeats; i++) {
                  run.run();
                }
              });
      rounds[round] = ms / repeats;
    }
    Arrays.sort(rounds);
    times.add(new KernelTime(work, List.copyOf(names), rounds[rounds.length / 2], bytes, flops));
  }

  /** Moves one tensor's bytes: read and written. */
  private void time(String work, Runnable run, Tensor... moved) {
    time(work, bytes(moved), 0, run);
  }

  // ---- the work

  private void copy() {
    try (Memory.Scope _ = backend.memory().scope()) {
      Shape shape = Shape.of(quick ? 1 << 10 : 256 << 20);
      Tensor from = random(shape);
      Tensor to = backend.memory().floats(shape, Memory.Category.DATA, "copy");
      time(
          "copy by the driver",
          () -> driver.copy(DeviceStorage.address(from), DeviceStorage.address(to), from.bytes()),
          from,
          to);
    }
  }

  private void elementwise() {
    Tensor a = image();
    Tensor b = image();
    Tensor out = image();
    time("fill", () -> backend.elementwise().fill(out, 1), out);
    time("copy", () -> backend.elementwise().copy(a, out), a, out);
    time("scale", () -> backend.elementwise().scale(a, 2, out), a, out);
    time("axpy", () -> backend.elementwise().axpy(1e-3f, a, out), a, out, out);
    time("add", () -> backend.elementwise().add(a, b, out), a, b, out);
    time("multiply", () -> backend.elementwise().multiply(a, b, out), a, b, out);
    for (Activation activation : Activation.values()) {
      time(
          "activate " + activation,
          () -> backend.elementwise().activate(a, activation, out),
          a,
          out);
      time(
          "activate backward " + activation,
          () -> backend.elementwise().activateBackward(a, activation, b, out),
          a,
          b,
          out);
    }
    time("sum", () -> backend.elementwise().sum(a), a);
    time("dot", () -> backend.elementwise().dot(a, b), a, b);
  }

  private void channels() {
    Tensor a = image();
    Tensor b = image();
    Tensor out = image();
    Tensor vector = vector();
    Tensor gates = random(Shape.of(batch, CHANNELS));
    time("bias", () -> backend.channels().addBias(a, vector, out), a, out);
    time("channel sum", () -> backend.channels().sum(a, vector), a);
    time("scale channels", () -> backend.channels().scale(a, gates, out), a, out);
    time("channel dot", () -> backend.channels().dot(a, b, gates), a, b);
    Tensor half = random(Shape.of(batch, side, side, CHANNELS / 2));
    time(
        "copy channels",
        () -> backend.channels().copy(half, 0, out, CHANNELS / 2, CHANNELS / 2),
        half,
        half);
    time("global average", () -> backend.pooling().globalAverage(a, gates), a);
    time("global average backward", () -> backend.pooling().globalAverageBackward(gates, out), out);
  }

  private void norms() {
    Tensor z = image();
    Tensor dy = image();
    Tensor out = image();
    Tensor mean = vector();
    Tensor variance = vector();
    Tensor gamma = vector();
    Tensor beta = vector();
    Tensor dgamma = vector();
    Tensor dbeta = vector();
    time("norm statistics", () -> backend.batchNorm().statistics(z, mean, variance), z);
    for (Activation activation : List.of(Activation.IDENTITY, Activation.RELU6)) {
      BatchNorm norm = new BatchNorm(mean, variance, gamma, beta, 1e-3f, activation);
      NormGradient gradient = new NormGradient(norm, dgamma, dbeta);
      String name = "norm, " + activation;
      time(name, () -> backend.batchNorm().apply(z, norm, null, out), z, out);
      time(name + ", residual", () -> backend.batchNorm().apply(z, norm, dy, out), z, dy, out);
      // The sums need all of z and dy before the first of dz is known: both are read twice.
      time(
          name + " backward",
          () -> backend.batchNorm().backward(z, norm, dy, out, dgamma, dbeta),
          z,
          dy,
          z,
          dy,
          out);
      time(name + " reduce", () -> backend.batchNorm().reduce(z, dy, gradient, out), z, dy, out);
    }
    time(
        "gate gradient",
        () -> backend.batchNorm().innerProduct(z, dy, gamma, beta, 1e-3f, mean),
        z,
        dy);
  }

  private void depthwise() {
    Tensor x = image();
    for (int stride = 1; stride <= 2; stride++) {
      Tensor y = random(Shape.of(batch, side / stride, side / stride, CHANNELS));
      for (int kernel = 3; kernel <= 7; kernel += 2) {
        Window window = Window.same(kernel, stride);
        Tensor w = random(Shape.of(kernel, kernel, CHANNELS));
        String name = String.format(Locale.ROOT, "depthwise %dx%d s%d", kernel, kernel, stride);
        long flops = 2L * kernel * kernel * y.size();
        time(
            name,
            bytes(x, y),
            flops,
            () -> backend.depthwise().forward(x, w, window, null, Activation.IDENTITY, y));
        time(
            name + " backward data",
            bytes(x, y),
            flops,
            () -> backend.depthwise().backwardData(y, w, window, x));
        time(
            name + " backward filter",
            bytes(x, y),
            flops,
            () -> backend.depthwise().backwardFilter(x, y, window, w));
      }
    }
  }

  /** The memory-frugal block's depthwise kernels: norms applied on load, sums found on store. */
  private void normalized() {
    Tensor x = image();
    Tensor gx = image();
    Tensor z = image();
    Tensor g = image();
    Tensor mean = vector();
    Tensor variance = vector();
    BatchNorm norm = new BatchNorm(vector(), vector(), vector(), vector(), 1e-3f, Activation.RELU6);
    NormGradient into = new NormGradient(norm, vector(), vector());
    BatchNorm after = new BatchNorm(mean, variance, vector(), vector(), 1e-3f, Activation.RELU6);
    NormGradient gradient = new NormGradient(after, vector(), vector());
    for (int kernel = 3; kernel <= 7; kernel += 2) {
      Window window = Window.same(kernel, 1);
      Tensor w = random(Shape.of(kernel, kernel, CHANNELS));
      Tensor dw = random(Shape.of(kernel, kernel, CHANNELS));
      String name = String.format(Locale.ROOT, "normalised depthwise %dx%d", kernel, kernel);
      long flops = 2L * kernel * kernel * z.size();
      time(
          name,
          bytes(x, z),
          flops,
          () -> backend.bottleneck().depthwise(x, norm, w, window, z, mean, variance));
      time(
          name + " backward",
          bytes(g, z, x, gx),
          2 * flops,
          () -> backend.bottleneck().depthwiseBackward(g, z, gradient, w, window, x, into, dw, gx));
    }
  }

  private void poolings() {
    Tensor x = image();
    Tensor dx = image();
    for (int stride = 1; stride <= 2; stride++) {
      Window window = Window.same(3, stride);
      Tensor y = random(Shape.of(batch, side / stride, side / stride, CHANNELS));
      String s = " 3x3 s" + stride;
      time("max pool" + s, () -> backend.pooling().max(x, window, y), x, y);
      time(
          "max pool backward" + s, () -> backend.pooling().maxBackward(x, y, window, dx), x, y, dx);
      time("average pool" + s, () -> backend.pooling().average(x, window, y), x, y);
      time(
          "average pool backward" + s,
          () -> backend.pooling().averageBackward(y, window, dx),
          y,
          dx);
    }
  }

  private void training() {
    Shape shape = Shape.of(quick ? 1000 : 24 << 20);
    Tensor w = random(shape);
    Tensor g = random(shape);
    Tensor m = random(shape);
    Tensor v = random(shape);
    time("SGD", () -> backend.optimizer().sgd(w, g, v, 1e-9f, 0.9f, 0, true), w, g, v, w, v);
    time(
        "Adam",
        () -> backend.optimizer().adam(w, g, m, v, 1e-9f, 0.9f, 0.999f, 1e-8f, 0, 10),
        w,
        g,
        m,
        v,
        w,
        m,
        v);
    time(
        "RMSProp",
        () -> backend.optimizer().rmsProp(w, g, m, v, 1e-9f, 0.9f, 0.9f, 1e-3f, 0),
        w,
        g,
        m,
        v,
        w,
        m,
        v);
    time(
        "SGD of many tensors",
        () ->
            backend
                .optimizer()
                .sgd(List.<Tensor[]>of(new Tensor[] {w, g, v}), 1e-9f, 0.9f, new float[1], true),
        w,
        g,
        v,
        w,
        v);
    Tensor logits = random(Shape.of(quick ? 4 : 1 << 16, CLASSES));
    Tensor dlogits = random(logits.shape());
    Tensor labels =
        backend.memory().ints(Shape.of(logits.shape().get(0)), Memory.Category.DATA, "labels");
    int[] classes = new int[labels.size()];
    Arrays.setAll(classes, i -> i % CLASSES);
    backend.upload(classes, 0, labels);
    time(
        "cross-entropy and gradient",
        () -> backend.loss().softmaxCrossEntropy(logits, labels, 0.1f, dlogits),
        logits,
        dlogits);
    time("correct rows", () -> backend.loss().countCorrect(logits, labels), logits);
    Nesting nesting = new Nesting(new int[] {3, 5, 7}, new int[] {CHANNELS / 2, CHANNELS});
    Tensor kernel = random(Shape.of(7, 7, CHANNELS));
    Tensor effective = random(kernel.shape());
    Tensor dkernel = random(kernel.shape());
    Shape gates = Shape.of(nesting.gates());
    Tensor thresholds = random(gates);
    Tensor scales = random(gates);
    Tensor values = random(gates);
    Tensor dthresholds = random(gates);
    time(
        "superkernel",
        () -> backend.superkernel().forward(kernel, thresholds, scales, nesting, values, effective),
        kernel,
        effective);
    time(
        "superkernel backward",
        () ->
            backend
                .superkernel()
                .backward(
                    kernel, thresholds, scales, nesting, values, effective, dkernel, dthresholds),
        kernel,
        effective,
        dkernel);
  }

  /** What cuBLAS and cuDNN do: beside ours, for scale. */
  private void libraries() {
    int in = quick ? 4 : 24;
    Tensor x = random(Shape.of(batch, side, side, in));
    Tensor y = image();
    for (int kernel = 1; kernel <= 3; kernel += 2) {
      Window window = Window.same(kernel, 1);
      Tensor w = random(Shape.of(kernel, kernel, in, CHANNELS));
      long flops = 2L * kernel * kernel * in * y.size();
      String name = String.format(Locale.ROOT, "convolution %dx%d", kernel, kernel);
      time(
          name,
          bytes(x, y),
          flops,
          () -> backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, y));
      time(
          name + " backward data",
          bytes(x, y),
          flops,
          () -> backend.convolution().backwardData(y, w, window, x));
      time(
          name + " backward filter",
          bytes(x, y),
          flops,
          () -> backend.convolution().backwardFilter(x, y, window, w));
    }
  }
}
