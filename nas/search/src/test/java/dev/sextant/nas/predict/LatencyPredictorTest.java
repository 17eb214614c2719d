package dev.sextant.nas.predict;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.optim.Schedule;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The predictor and its baseline on latencies that are known functions of random bits. */
final class LatencyPredictorTest {
  private static final int WIDTH = 9;

  /** Sigmoid units for smooth derivatives. */
  private static final PredictorRecipe SMOOTH =
      new PredictorRecipe(
          List.of(16, 8),
          Activation.SIGMOID,
          PredictorRecipe.Loss.SQUARED,
          40,
          0,
          16,
          new Schedule.Constant(0.1),
          0.9f,
          0);

  @TempDir Path directory;

  /** ms = 2 + sum of j for each bit j, and {@code interaction} more where bits 0 and 1 are set. */
  private static LatencySamples samples(int count, double interaction) {
    Rng rng = new Rng(3);
    float[] features = new float[count * WIDTH];
    double[] ms = new double[count];
    for (int i = 0; i < count; i++) {
      ms[i] = 2;
      for (int j = 0; j < WIDTH; j++) {
        float bit = rng.nextInt(2);
        features[i * WIDTH + j] = bit;
        ms[i] += j * bit;
      }
      ms[i] += interaction * features[i * WIDTH] * features[i * WIDTH + 1];
    }
    return new LatencySamples(WIDTH, features, ms);
  }

  @Test
  void linearFitFindsTheSum() {
    LatencySamples samples = samples(200, 0);
    double[] predicted = LinearPredictor.fit(samples).predict(samples.features());
    for (int i = 0; i < predicted.length; i++) {
      assertEquals(samples.ms()[i], predicted[i], 1e-3);
    }
  }

  @Test
  void networkLearnsWhatIsNoSum() {
    LatencySamples.Split split = samples(1200, 20).split(0.8, 1);
    PredictionError linear =
        PredictionError.of(
            LinearPredictor.fit(split.train()).predict(split.test().features()), split.test().ms());
    try (LatencyPredictor predictor = LatencyPredictor.train(split.train(), SMOOTH, 5)) {
      PredictionError error =
          PredictionError.of(predictor.predict(split.test().features()), split.test().ms());
      assertTrue(error.relative() < 0.02, error::toString);
      assertTrue(linear.relative() > 0.1, linear::toString);
    }
  }

  @Test
  void sameSeedSamePredictorToTheBit() {
    LatencySamples samples = samples(300, 5);
    PredictorRecipe recipe = PredictorRecipe.DEFAULT.withEpochs(3);
    try (LatencyPredictor one = LatencyPredictor.train(samples, recipe, 5);
        LatencyPredictor same = LatencyPredictor.train(samples, recipe, 5);
        LatencyPredictor other = LatencyPredictor.train(samples, recipe, 6)) {
      double[] predicted = one.predict(samples.features());
      assertArrayEquals(predicted, same.predict(samples.features()), 0);
      assertTrue(predicted[0] != other.predict(samples.features())[0]);
    }
  }

  @Test
  void gradientIsThatOfThePrediction() {
    LatencySamples samples = samples(300, 5);
    try (LatencyPredictor predictor = LatencyPredictor.train(samples, SMOOTH, 5)) {
      float[] features = samples.first(2).features();
      LatencyPredictor.Differentiated found = predictor.differentiate(features);
      assertArrayEquals(predictor.predict(features), found.ms(), 1e-4);
      float step = 0.03f;
      for (int i = 0; i < features.length; i++) {
        float[] up = features.clone();
        float[] down = features.clone();
        up[i] += step;
        down[i] -= step;
        double slope =
            (predictor.predict(up)[i / WIDTH] - predictor.predict(down)[i / WIDTH]) / (2 * step);
        assertEquals(slope, found.gradient()[i], 2e-2 * (1 + Math.abs(slope)), "feature " + i);
      }
    }
  }

  @Test
  void isTheSameAfterWritingAndReading() {
    LatencySamples samples = samples(100, 5);
    Path file = directory.resolve("lpm.safetensors");
    try (LatencyPredictor predictor = LatencyPredictor.train(samples, SMOOTH.withEpochs(2), 5)) {
      predictor.write(file, Map.of("machine", "this one"));
      try (LatencyPredictor read = LatencyPredictor.read(file)) {
        // Mean and deviation of the latencies are kept as floats.
        assertArrayEquals(
            predictor.predict(samples.features()), read.predict(samples.features()), 1e-5);
      }
    }
    assertEquals("this one", Weights.read(file).metadata().get("machine"));
    Weights.read(file).withMetadata("activation", "SINE").write(file);
    String message =
        assertThrows(SextantException.class, () -> LatencyPredictor.read(file)).getMessage();
    assertTrue(message.contains("lpm.safetensors: not a predictor"), message);
  }

  @Test
  void paperSizesGiveThePaperNetwork() {
    LatencySamples one = new LatencySamples(112, new float[112], new double[] {20});
    try (LatencyPredictor lpm =
        LatencyPredictor.train(one, PredictorRecipe.PAPER.withEpochs(1), 0)) {
      assertEquals(58_097, lpm.parameterCount());
    }
  }

  @Test
  void smallTrainingSetsArePassedMoreOften() {
    assertEquals(30, PredictorRecipe.DEFAULT.epochs(12_000));
    assertEquals(1500, PredictorRecipe.DEFAULT.epochs(100));
    assertEquals(7, PredictorRecipe.DEFAULT.withEpochs(7).epochs(100));
  }

  @Test
  void errorsByHand() {
    PredictionError error =
        PredictionError.of(new double[] {10.4, 21.8, 30, 36}, new double[] {10, 20, 30, 40});
    assertEquals((0.4 + 1.8 + 0 + 4) / 4, error.absoluteMs(), 1e-12);
    assertEquals((0.04 + 0.09 + 0 + 0.1) / 4, error.relative(), 1e-12);
    assertEquals(0.5, error.within5());
    assertEquals(1, error.within10());
    assertEquals(1, error.spearman(), 1e-12);
    assertEquals(
        0.5, PredictionError.of(new double[] {1, 3, 2}, new double[] {1, 2, 3}).spearman(), 1e-12);
    assertEquals(0, PredictionError.of(new double[] {2, 2}, new double[] {1, 3}).spearman());
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThrows(
        SextantException.class, () -> new LatencySamples(2, new float[3], new double[] {1}));
    assertThrows(
        SextantException.class, () -> new LatencySamples(1, new float[1], new double[] {0}));
    assertThrows(SextantException.class, () -> samples(4, 0).split(1, 0));
    assertThrows(SextantException.class, () -> samples(4, 0).first(5));
    assertThrows(SextantException.class, () -> PredictionError.of(new double[] {1}, new double[0]));
    LatencySamples none = new LatencySamples(1, new float[0], new double[0]);
    assertThrows(
        SextantException.class, () -> LatencyPredictor.train(none, PredictorRecipe.DEFAULT, 0));
    assertThrows(SextantException.class, () -> LinearPredictor.fit(none));
  }

  /** What a file says of its sizes is held against what it brings before memory is taken. */
  @Test
  void damagedFilesAreRefused() {
    Path good = directory.resolve("good.safetensors");
    try (LatencyPredictor predictor = LatencyPredictor.train(samples(20, 0), SMOOTH, 1)) {
      predictor.write(good, Map.of());
    }
    LatencyPredictor.read(good).close();
    Weights weights = Weights.read(good);
    for (String name : weights.entries().keySet()) {
      for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        float[] values = weights.get(name).values().clone();
        values[values.length - 1] = value;
        refused(weights, name, new Weights.Entry(weights.get(name).shape(), values));
      }
      refused(weights, name, new Weights.Entry(Shape.of(), new float[1]));
      int size = weights.get(name).values().length;
      refused(weights, name, new Weights.Entry(Shape.of(size, 1, 1), new float[size]));
    }
    // A thin layer between two wide ones, which together would ask for 40 GB.
    refused(
        weights, "layers.0.weight", new Weights.Entry(Shape.of(1, 100_000), new float[100_000]));
    refused(
        weights, "layers.1.weight", new Weights.Entry(Shape.of(1, 100_000), new float[100_000]));
    refused(weights, "features.deviation", new Weights.Entry(Shape.of(WIDTH), new float[WIDTH]));
  }

  private void refused(Weights weights, String name, Weights.Entry entry) {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>(weights.entries());
    entries.put(name, entry);
    Map<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    Path file = directory.resolve("damaged.safetensors");
    new Weights(entries, metadata).write(file);
    String message =
        assertThrows(SextantException.class, () -> LatencyPredictor.read(file), name).getMessage();
    assertTrue(message.startsWith(file + ": not a predictor ("), message);
  }
}
