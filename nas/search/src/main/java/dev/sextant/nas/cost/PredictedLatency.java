package dev.sextant.nas.cost;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.cells.CellCost;
import dev.sextant.nas.cells.CellEncoding;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.predict.PredictionError;
import dev.sextant.nas.predict.PredictorRecipe;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The latency of networks of cells by a trained predictor (Latency-Aware DARTS, section 3.2), times
 * a scale that measured networks correct. Confined to one thread, as its predictor is.
 */
public final class PredictedLatency implements CostModel, AutoCloseable {
  /** Its file in the directory of a run. */
  public static final String FILE = "predictor.safetensors";

  /** That of the networks it was trained on. */
  public static final String SAMPLES_FILE = "cells.csv";

  private static final double TRAIN_SHARE = 0.8;

  /** With fewer there is nothing to split. */
  public static final int MIN_SAMPLES = 10;

  private static final String SCALE = "scale";
  private static final String ERROR = "relative-error";

  /** The name of what a file says about how reliable its measurements are. */
  public static final String DOUBTS = "doubts";

  /** More sentences than a measurement has about itself. */
  private static final int MOST_DOUBTS = 1000;

  private final LatencyPredictor predictor;
  private final double scale;
  private final double relativeError;
  private final @Nullable CellSamples samples;
  private final List<String> doubts;

  private PredictedLatency(
      LatencyPredictor predictor,
      double scale,
      double relativeError,
      @Nullable CellSamples samples,
      List<String> doubts) {
    this.doubts = List.copyOf(doubts);
    this.predictor = predictor;
    this.scale = scale;
    this.relativeError = relativeError;
    this.samples = samples;
  }

  /**
   * Trains on four fifths of the samples and compares with the rest.
   *
   * @param samples measured cells
   * @param recipe size and training of the predictor
   * @param seed of its first weights, of the split and of the order of samples
   * @return the predictor, with a scale of 1
   * @throws SextantException if there are fewer than {@value #MIN_SAMPLES}
   */
  public static PredictedLatency train(CellSamples samples, PredictorRecipe recipe, long seed) {
    LatencySamples encoded = samples.encoded();
    if (encoded.count() < MIN_SAMPLES) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "predictor: %d measured networks, at least %d are needed",
              encoded.count(),
              MIN_SAMPLES));
    }
    LatencySamples.Split split = encoded.split(TRAIN_SHARE, seed);
    LatencyPredictor predictor = LatencyPredictor.train(split.train(), recipe, seed);
    double[] predicted = predictor.predict(split.test().features());
    double error = PredictionError.of(predicted, split.test().ms()).relative();
    return new PredictedLatency(predictor, 1, error, samples, samples.doubts());
  }

  /**
   * Reads what {@link #write} or {@code sextant predictor --out} wrote.
   *
   * @param file a safetensors file
   * @return the predictor with its scale
   * @throws SextantException naming the file if it holds no predictor
   */
  public static PredictedLatency read(Path file) {
    LatencyPredictor predictor = LatencyPredictor.read(file);
    Map<String, String> metadata = Weights.read(file).metadata();
    try {
      double scale = Double.parseDouble(metadata.getOrDefault(SCALE, "1"));
      if (!(scale > 0 && scale < Double.POSITIVE_INFINITY)) {
        throw new SextantException("scale: " + scale);
      }
      return new PredictedLatency(
          predictor,
          scale,
          Double.parseDouble(metadata.getOrDefault(ERROR, "NaN")),
          null,
          doubts(metadata));
    } catch (NumberFormatException | SextantException e) {
      predictor.close();
      throw new SextantException(
          String.format(Locale.ROOT, "%s: not a predictor (%s)", file, e.getMessage()), e);
    }
  }

  /**
   * Writes predictor and scale, atomically.
   *
   * @param file a safetensors file
   */
  public void write(Path file) {
    predictor.write(
        file,
        Map.of(
            SCALE,
            Double.toString(scale),
            ERROR,
            Double.toString(relativeError),
            DOUBTS,
            text(doubts)));
  }

  /**
   * {@return what stands in a predictor's file under {@link #DOUBTS}}
   *
   * @param doubts about what it was trained on, a sentence each
   */
  public static String text(List<String> doubts) {
    JsonArray sentences = new JsonArray();
    doubts.forEach(sentences::add);
    JsonObject root = new JsonObject();
    root.add("sentences", sentences);
    return root.toString();
  }

  /** Files of earlier versions have none. */
  private static List<String> doubts(Map<String, String> metadata) {
    return JsonFields.parse(metadata.getOrDefault(DOUBTS, "{}"), DOUBTS)
        .stringsIfAny("sentences", MOST_DOUBTS);
  }

  /** {@return what it was trained on, where that was just measured or read} */
  public @Nullable CellSamples samples() {
    return samples;
  }

  /**
   * {@return mean relative error on networks it was not trained on; NaN where that is not known}
   */
  public double relativeError() {
    return relativeError;
  }

  /** {@return what measured networks correct predictions by} */
  public double scale() {
    return scale;
  }

  /** {@return the predictor, without the scale} */
  public LatencyPredictor predictor() {
    return predictor;
  }

  /**
   * {@return the same predictor with a scale that many times as large}
   *
   * @param ratio what predictions are multiplied by, above 0
   */
  public PredictedLatency corrected(double ratio) {
    return new PredictedLatency(predictor, scale * ratio, relativeError, samples, doubts);
  }

  @Override
  public List<String> doubts() {
    return doubts;
  }

  /**
   * {@return the costs of networks of those cells}
   *
   * @param space the cells of the networks
   * @throws SextantException if the predictor is made for other cells
   */
  public CellCost costs(CellSpace space) {
    CellEncoding.types(space, predictor.width());
    return CellCost.predicted(space, predictor, scale);
  }

  @Override
  public ExpectedCost costs(Space space) {
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "cost predicted with space %s: a chain of layers is priced by a table (--cost latency)",
            space.name()));
  }

  /** Predictor and scale; the networks it was trained on, once. */
  @Override
  public void keep(Path directory) {
    Path file = directory.resolve(SAMPLES_FILE);
    if (samples != null && !Files.exists(file)) {
      samples.write(file);
    }
    write(directory.resolve(FILE));
  }

  @Override
  public CostUnit unit() {
    return CostUnit.MILLISECONDS;
  }

  @Override
  public void close() {
    predictor.close();
  }
}
