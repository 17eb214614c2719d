package dev.sextant.nas.predict;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * The latency prediction module (LPM) of Latency-Aware DARTS, section 3.2: a multi-layer perceptron
 * from an encoded architecture to milliseconds, differentiable in its input. Confined to one
 * thread; close it to give its memory back.
 */
public final class LatencyPredictor implements AutoCloseable {
  private static final String FORMAT = "sextant-predictor/1";
  private static final String MEAN = "features.mean";
  private static final String DEVIATION = "features.deviation";
  private static final String LATENCY = "latency";

  /** Rows of one pass, so that any number of architectures takes the same memory. */
  private static final int CHUNK = 512;

  private final Backend backend;
  private final Scaling scaling;
  private final List<Integer> hidden;
  private final Activation activation;
  private final Mlp mlp;

  /** What standardises features and latencies: mean and deviation on the training set. */
  private record Scaling(float[] mean, float[] deviation, double meanMs, double deviationMs) {
    static Scaling of(LatencySamples samples) {
      int width = samples.width();
      int count = samples.count();
      float[] mean = new float[width];
      float[] deviation = new float[width];
      double[] column = new double[count];
      for (int j = 0; j < width; j++) {
        for (int i = 0; i < count; i++) {
          column[i] = samples.features()[i * width + j];
        }
        mean[j] = (float) mean(column);
        double spread = deviation(column);
        // A feature that never changed says nothing; it must not say much elsewhere either.
        deviation[j] = spread == 0 ? 1 : (float) spread;
      }
      // As a file holds them: a predictor read back predicts the same bits.
      float meanMs = (float) mean(samples.ms());
      float spread = (float) deviation(samples.ms());
      return new Scaling(mean, deviation, meanMs, spread == 0 ? 1 : spread);
    }

    private static double mean(double[] values) {
      return Arrays.stream(values).average().orElse(0);
    }

    private static double deviation(double[] values) {
      double mean = mean(values);
      return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0));
    }

    int width() {
      return mean.length;
    }

    void standardize(float[] features, int row, float[] into, int at) {
      for (int j = 0; j < mean.length; j++) {
        into[at * mean.length + j] = (features[row * mean.length + j] - mean[j]) / deviation[j];
      }
    }
  }

  private LatencyPredictor(Scaling scaling, List<Integer> hidden, Activation activation, Rng rng) {
    this.backend = Backend.cpu(1);
    this.scaling = scaling;
    this.hidden = hidden;
    this.activation = activation;
    mlp = new Mlp(new Initializer(backend, rng), scaling.width(), hidden, activation);
  }

  /**
   * Trains a predictor; the same samples and seed give the same one, bit for bit.
   *
   * @param samples encoded networks and their latencies in ms
   * @param recipe size and training of the network
   * @param seed of its first weights and of the order of samples
   * @return the predictor
   * @throws SextantException if there are no samples
   */
  public static LatencyPredictor train(LatencySamples samples, PredictorRecipe recipe, long seed) {
    if (samples.count() == 0) {
      throw new SextantException("predictor: no samples to train on");
    }
    LatencyPredictor predictor =
        new LatencyPredictor(
            Scaling.of(samples), recipe.hidden(), recipe.activation(), Rng.of(seed, 0));
    predictor.fit(samples, recipe, Rng.of(seed, 1));
    return predictor;
  }

  private void fit(LatencySamples samples, PredictorRecipe recipe, Rng rng) {
    int count = samples.count();
    int[] order = new int[count];
    Arrays.setAll(order, i -> i);
    int epochs = recipe.epochs(count);
    long steps = (long) epochs * ((count + recipe.batch() - 1) / recipe.batch());
    float[] rows = new float[Math.min(recipe.batch(), count) * samples.width()];
    Sgd.Config sgd = new Sgd.Config(recipe.momentum(), false, recipe.decay(), true);
    try (Sgd optimizer = new Sgd(backend, mlp.parameters(), sgd)) {
      long step = 0;
      for (int epoch = 0; epoch < epochs; epoch++) {
        rng.shuffle(order);
        for (int from = 0; from < count; from += recipe.batch()) {
          int size = Math.min(recipe.batch(), count - from);
          double[] ms = new double[size];
          for (int i = 0; i < size; i++) {
            scaling.standardize(samples.features(), order[from + i], rows, i);
            ms[i] = samples.ms()[order[from + i]];
          }
          step(rows, ms, recipe.loss());
          optimizer.step(recipe.schedule().rate(step++, steps));
        }
      }
    }
  }

  /** One forward and backward pass over a batch. */
  private void step(float[] rows, double[] ms, PredictorRecipe.Loss loss) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable y = mlp.forward(tape, tape.constant(tensor(rows, ms.length)));
      float[] gradient = new float[ms.length];
      backend.download(y.value(), gradient, 0);
      for (int i = 0; i < ms.length; i++) {
        gradient[i] = (float) (derivative(loss, gradient[i], ms[i]) / ms.length);
      }
      Tensor dy = tape.output(y.shape(), "predictor.gradient");
      backend.upload(gradient, 0, dy);
      tape.backward(y, dy);
    }
  }

  /** The loss of one sample differentiated by the standardised prediction. */
  private double derivative(PredictorRecipe.Loss loss, double y, double ms) {
    double error = scaling.meanMs + scaling.deviationMs * y - ms;
    return switch (loss) {
      case SQUARED -> 2 * error / scaling.deviationMs;
      case RELATIVE ->
          Math.clamp(error / ms / PredictorRecipe.HUBER_DELTA, -1, 1) * scaling.meanMs / ms;
    };
  }

  /** A tensor of the innermost scope. */
  private Tensor tensor(float[] rows, int count) {
    Tensor x =
        backend.memory().floats(Shape.of(count, scaling.width()), Category.DATA, "predictor.x");
    backend.upload(rows, 0, x);
    return x;
  }

  /** {@return features of an architecture} */
  public int width() {
    return scaling.width();
  }

  /** {@return trained scalars} */
  public long parameterCount() {
    return mlp.parameterCount();
  }

  /**
   * {@return the latency of each encoded architecture {@code [count, width]}, in ms}
   *
   * @param features rows of encoded architectures, one behind the other
   * @throws SextantException if the features are no rows of that width
   */
  public double[] predict(float[] features) {
    double[] ms = new double[count(features)];
    for (int from = 0; from < ms.length; from += CHUNK) {
      int size = Math.min(CHUNK, ms.length - from);
      try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
        Variable y = mlp.forward(tape, tape.constant(standardized(features, from, size)));
        read(y, ms, from);
      }
    }
    return ms;
  }

  /**
   * Latencies and their gradients.
   *
   * @param ms {@code [count]}
   * @param gradient of each latency by the features of its architecture, in ms, {@code [count,
   *     width]}
   */
  public record Differentiated(double[] ms, float[] gradient) {}

  /**
   * As {@link #predict}, with the gradient by the features (not standardised).
   *
   * @param features rows of encoded architectures, one behind the other
   * @return latencies in ms and their gradient
   */
  public Differentiated differentiate(float[] features) {
    double[] ms = new double[count(features)];
    float[] gradient = new float[features.length];
    mlp.setFrozen(true);
    for (int from = 0; from < ms.length; from += CHUNK) {
      int size = Math.min(CHUNK, ms.length - from);
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        Variable x = tape.leaf(standardized(features, from, size));
        Variable y = mlp.forward(tape, x);
        read(y, ms, from);
        Tensor one = tape.output(y.shape(), "predictor.one");
        backend.elementwise().fill(one, 1);
        tape.backward(y, one);
        Tensor dx = x.gradient();
        if (dx == null) {
          throw new IllegalStateException("the backward pass did not reach the features");
        }
        backend.download(dx, gradient, from * width());
      }
    }
    mlp.setFrozen(false);
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] *= (float) (scaling.deviationMs / scaling.deviation[i % width()]);
    }
    return new Differentiated(ms, gradient);
  }

  private int count(float[] features) {
    if (features.length % width() != 0) {
      throw new SextantException(
          "predictor: %d features are no rows of %d".formatted(features.length, width()));
    }
    return features.length / width();
  }

  private Tensor standardized(float[] features, int from, int count) {
    float[] rows = new float[count * width()];
    for (int i = 0; i < count; i++) {
      scaling.standardize(features, from + i, rows, i);
    }
    return tensor(rows, count);
  }

  private void read(Variable y, double[] ms, int from) {
    float[] values = new float[y.shape().size()];
    backend.download(y.value(), values, 0);
    for (int i = 0; i < values.length; i++) {
      ms[from + i] = scaling.meanMs + scaling.deviationMs * values[i];
    }
  }

  /**
   * Writes the predictor to a safetensors file.
   *
   * @param file a safetensors file
   * @param metadata what else to keep beside it, such as the encoding and the machine
   */
  public void write(Path file, Map<String, String> metadata) {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    Shape features = Shape.of(width());
    entries.put(MEAN, new Weights.Entry(features, scaling.mean.clone()));
    entries.put(DEVIATION, new Weights.Entry(features, scaling.deviation.clone()));
    float[] latency = {(float) scaling.meanMs, (float) scaling.deviationMs};
    entries.put(LATENCY, new Weights.Entry(Shape.of(2), latency));
    mlp.state()
        .forEach(
            (path, tensor) -> {
              float[] values = new float[tensor.size()];
              backend.download(tensor, values, 0);
              entries.put(path, new Weights.Entry(tensor.shape(), values));
            });
    Map<String, String> all = new LinkedHashMap<>(metadata);
    all.put("format", FORMAT);
    all.put("activation", activation.name());
    new Weights(entries, all).write(file);
  }

  /**
   * Reads a predictor back; {@link Weights#metadata} of the same file holds what was kept beside
   * it.
   *
   * @param file a safetensors file
   * @return the predictor
   * @throws SextantException naming the file if it holds none
   */
  public static LatencyPredictor read(Path file) {
    Weights weights = Weights.read(file);
    try {
      return of(weights);
    } catch (SextantException | IllegalArgumentException e) {
      throw new SextantException("%s: not a predictor (%s)".formatted(file, e.getMessage()), e);
    }
  }

  private static LatencyPredictor of(Weights weights) {
    if (!FORMAT.equals(weights.metadata().get("format"))) {
      throw new SextantException("its format is not " + FORMAT);
    }
    float[] mean = weights.get(MEAN).values();
    float[] deviation = weights.get(DEVIATION).values();
    float[] latency = weights.get(LATENCY).values();
    if (latency.length != 2 || mean.length == 0 || deviation.length != mean.length) {
      throw new SextantException("its scales do not fit together");
    }
    List<Integer> hidden = new ArrayList<>();
    for (int i = 0; weights.entries().containsKey("layers." + (i + 1) + ".weight"); i++) {
      hidden.add(weights.get("layers." + i + ".weight").shape().channels());
    }
    Scaling scaling = new Scaling(mean, deviation, latency[0], latency[1]);
    Activation activation =
        Activation.valueOf(weights.metadata().getOrDefault("activation", "missing"));
    LatencyPredictor predictor = new LatencyPredictor(scaling, hidden, activation, new Rng(0));
    try {
      predictor.load(weights);
      return predictor;
    } catch (SextantException e) {
      predictor.close();
      throw e;
    }
  }

  private void load(Weights weights) {
    for (Map.Entry<String, Tensor> target : mlp.state().entrySet()) {
      Weights.Entry entry = weights.get(target.getKey());
      if (!entry.shape().equals(target.getValue().shape())) {
        throw new SextantException(
            "%s is %s, not %s"
                .formatted(target.getKey(), entry.shape(), target.getValue().shape()));
      }
      backend.upload(entry.values(), 0, target.getValue());
    }
  }

  @Override
  public void close() {
    mlp.close();
    backend.close();
  }
}
