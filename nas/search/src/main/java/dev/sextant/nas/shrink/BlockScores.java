package dev.sextant.nas.shrink;

import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import java.util.Arrays;

/**
 * What each alternative of a trained network costs in accuracy where it alone is replaced, on
 * held-out images: the divergence of the network's probabilities from the teacher's (KL, never
 * negative), the increase of the cross-entropy by labels, and the error of the layer's output over
 * its variance. Of an option 0, the teacher's own layer, all are 0.
 */
public final class BlockScores {
  private static final int VALUES = 3;

  /** By position, the choice that it is, or -1. */
  private final int[] choices;

  /** By choice and option: sums over images of divergence and loss, of error over batches. */
  private final double[][] sums;

  private double images;
  private double teacherLoss;
  private double batches;

  // The teacher's answer to the batch being scored.
  private double[] probabilities = {};
  private double[] logProbabilities = {};
  private int[] labels = {};
  private int count;

  /**
   * None yet.
   *
   * @param space of {@link Alternatives#space}
   */
  public BlockScores(Space space) {
    choices = new int[space.positions().size()];
    int choice = 0;
    for (int i = 0; i < choices.length; i++) {
      choices[i] = space.positions().get(i) instanceof Position.Choice ? choice++ : -1;
    }
    int[] options = space.options();
    sums = new double[choice][];
    for (int c = 0; c < choice; c++) {
      sums[c] = new double[VALUES * options[c]];
    }
  }

  /** A batch, and the teacher's logits. */
  void begin(float[] logits, int[] ofLabels, int images) {
    logProbabilities = logSoftmax(logits, images);
    probabilities = Arrays.stream(logProbabilities).map(Math::exp).toArray();
    labels = ofLabels;
    count = images;
    this.images += images;
    batches++;
    teacherLoss += loss(logProbabilities);
  }

  /** The logits with one alternative in its place. */
  void add(int position, int option, double error, float[] logits) {
    double[] log = logSoftmax(logits, count);
    double divergence = 0;
    for (int i = 0; i < log.length; i++) {
      divergence += probabilities[i] * (logProbabilities[i] - log[i]);
    }
    double[] of = sums[choices[position]];
    of[VALUES * option] += divergence;
    of[VALUES * option + 1] += loss(log) - loss(logProbabilities);
    of[VALUES * option + 2] += error;
  }

  private double loss(double[] log) {
    int classes = log.length / count;
    double loss = 0;
    for (int i = 0; i < count; i++) {
      loss -= log[i * classes + labels[i]];
    }
    return loss;
  }

  private static double[] logSoftmax(float[] logits, int images) {
    int classes = logits.length / images;
    double[] log = new double[logits.length];
    for (int i = 0; i < images; i++) {
      double most = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < classes; k++) {
        most = Math.max(most, logits[i * classes + k]);
      }
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += Math.exp(logits[i * classes + k] - most);
      }
      for (int k = 0; k < classes; k++) {
        log[i * classes + k] = logits[i * classes + k] - most - Math.log(sum);
      }
    }
    return log;
  }

  /**
   * {@return by choice and option, the mean divergence from the teacher's probabilities, in nats}
   */
  public double[][] divergences() {
    return means(0, images);
  }

  /** {@return by choice and option, how much more the mean cross-entropy is than the teacher's} */
  public double[][] losses() {
    return means(1, images);
  }

  /** {@return by choice and option, the squared error of the layer's output over its variance} */
  public double[][] errors() {
    return means(2, batches);
  }

  /** {@return the teacher's mean cross-entropy} */
  public double teacherLoss() {
    return teacherLoss / images;
  }

  private double[][] means(int value, double of) {
    double[][] means = new double[sums.length][];
    for (int c = 0; c < sums.length; c++) {
      means[c] = new double[sums[c].length / VALUES];
      for (int j = 0; j < means[c].length; j++) {
        means[c][j] = of == 0 ? 0 : sums[c][VALUES * j + value] / of;
      }
    }
    return means;
  }

  /** {@return all numbers, for a checkpoint} */
  public double[] state() {
    double[] state = {images, batches, teacherLoss};
    for (double[] of : sums) {
      int before = state.length;
      state = Arrays.copyOf(state, before + of.length);
      System.arraycopy(of, 0, state, before, of.length);
    }
    return state;
  }

  /**
   * Continues from a checkpoint.
   *
   * @param state as {@link #state} gave it
   */
  public void restore(double[] state) {
    images = state[0];
    batches = state[1];
    teacherLoss = state[2];
    int at = 3;
    for (double[] of : sums) {
      System.arraycopy(state, at, of, 0, of.length);
      at += of.length;
    }
  }
}
