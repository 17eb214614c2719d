package dev.sextant.nas.predict;

import dev.sextant.autograd.optim.Schedule;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import java.util.List;

/**
 * The network of a {@link LatencyPredictor} and how it is trained: SGD with momentum on batches in
 * random order. Features and latencies are standardised on the training set first.
 *
 * @param hidden widths of the hidden layers; one output follows
 * @param activation after each hidden layer
 * @param loss what is minimised
 * @param epochs passes over the training set
 * @param minSteps there are more passes where these would be fewer steps: small training sets
 * @param batch samples of a step; an incomplete last batch is a step too
 * @param schedule of the learning rate, over all steps
 * @param momentum of SGD
 * @param decay L2 decay of the weights, biases left out
 */
public record PredictorRecipe(
    List<Integer> hidden,
    Activation activation,
    Loss loss,
    int epochs,
    int minSteps,
    int batch,
    Schedule schedule,
    float momentum,
    float decay) {
  /** What training minimises. */
  public enum Loss {
    /** The mean square of the error in ms, in units of the latencies' variance. */
    SQUARED,
    /**
     * Huber's loss of the relative error: outliers of a noisy device pull no harder than others,
     * and a fast network counts as much as a slow one, as in the relative error reported.
     */
    RELATIVE
  }

  /** Relative error from which on {@link Loss#RELATIVE} grows linearly. */
  static final double HUBER_DELTA = 0.03;

  /**
   * Section 3.2 of the paper with its sizes, "four fully-connected layers with 112, 256, 64 and 1
   * neurons": sigmoid units, 1000 epochs of batch 200 at a fixed rate of 0.01, momentum 0.9, decay
   * 1e-5, squared error.
   */
  public static final PredictorRecipe PAPER =
      new PredictorRecipe(
          List.of(112, 256, 64),
          Activation.SIGMOID,
          Loss.SQUARED,
          1000,
          0,
          200,
          new Schedule.Constant(0.01),
          0.9f,
          1e-5f);

  /**
   * A smaller network that needs 30 epochs: on 12,000 cells of NAS-Bench-201 its relative error is
   * 7.4 %, 2.4 % and 1.6 % where latencies of equivalent cells differ by 7.6 %, 2.7 % and 1.7 %.
   * The decay is what keeps it from learning that noise.
   */
  public static final PredictorRecipe DEFAULT =
      new PredictorRecipe(
          List.of(128, 64),
          Activation.RELU,
          Loss.RELATIVE,
          30,
          1500,
          128,
          new Schedule.Cosine(0.05, 0),
          0.9f,
          1e-2f);

  /** Checks the ranges. */
  public PredictorRecipe {
    hidden = List.copyOf(hidden);
    if (hidden.stream().anyMatch(units -> units < 1) || epochs < 1 || minSteps < 0 || batch < 1) {
      throw new SextantException(
          "predictor: hidden layers %s, %d epochs or batch %d out of range"
              .formatted(hidden, epochs, batch));
    }
  }

  /** Passes over a training set of that many samples. */
  int epochs(int samples) {
    int stepsOfEpoch = (samples + batch - 1) / batch;
    return Math.max(epochs, (minSteps + stepsOfEpoch - 1) / stepsOfEpoch);
  }

  /**
   * {@return the same with exactly that number of epochs}
   *
   * @param epochs passes over the samples
   */
  public PredictorRecipe withEpochs(int epochs) {
    return new PredictorRecipe(
        hidden, activation, loss, epochs, 0, batch, schedule, momentum, decay);
  }
}
