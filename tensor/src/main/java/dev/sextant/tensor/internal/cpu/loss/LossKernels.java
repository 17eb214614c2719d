package dev.sextant.tensor.internal.cpu.loss;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.LossRules;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** Cross-entropy and accuracy; the rows of the logits are divided among the workers. */
public final class LossKernels implements Loss {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();

  /** An exponential costs about as much as streaming this many elements. */
  private static final int EXP_WEIGHT = 8;

  /** Logits whose exponentials are taken at a time. */
  private static final int CHUNK = 256;

  /** Doubles between two workers' partial sums, against false sharing. */
  private static final int PARTIAL_STRIDE = 16;

  private final WorkerTeam team;
  private final CrossEntropy crossEntropy = new CrossEntropy();
  private final Correct correct = new Correct();
  private final double[] partials;
  private final float[] scratch;

  public LossKernels(WorkerTeam team) {
    this.team = team;
    partials = new double[team.threads() * PARTIAL_STRIDE];
    scratch = new float[team.threads() * CHUNK];
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    LossRules.softmaxCrossEntropy(logits, labels, dlogits);
    crossEntropy.logits = logits.floats();
    crossEntropy.logitsOffset = logits.offset();
    crossEntropy.labels = labels.ints();
    crossEntropy.labelsOffset = labels.offset();
    crossEntropy.gradient = dlogits == null ? null : dlogits.floats();
    crossEntropy.gradientOffset = dlogits == null ? 0 : dlogits.offset();
    crossEntropy.rows = logits.shape().get(0);
    crossEntropy.classes = logits.shape().get(1);
    crossEntropy.smoothing = smoothing;
    double loss = run(crossEntropy, (long) logits.size() * EXP_WEIGHT);
    return crossEntropy.rows == 0 ? 0 : loss / crossEntropy.rows;
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    LossRules.countCorrect(logits, labels);
    correct.logits = logits.floats();
    correct.logitsOffset = logits.offset();
    correct.labels = labels.ints();
    correct.labelsOffset = labels.offset();
    correct.rows = logits.shape().get(0);
    correct.classes = logits.shape().get(1);
    return (int) run(correct, logits.size());
  }

  private double run(WorkerTeam.Task task, long elements) {
    Arrays.fill(partials, 0);
    Shares.run(team, task, elements);
    double total = 0;
    for (int worker = 0; worker < team.threads(); worker++) {
      total += partials[worker * PARTIAL_STRIDE];
    }
    return total;
  }

  /** The operands of the call in progress; kept, so that a call allocates nothing. */
  private final class CrossEntropy implements WorkerTeam.Task {
    private float[] logits = {};
    private int[] labels = {};
    private float @Nullable [] gradient;
    private int logitsOffset;
    private int labelsOffset;
    private int gradientOffset;
    private int rows;
    private int classes;
    private float smoothing;

    @Override
    public void run(int worker, int workers) {
      int to = Shares.begin(rows, 1, worker + 1, workers);
      double loss = 0;
      for (int row = Shares.begin(rows, 1, worker, workers); row < to; row++) {
        loss += row(row, worker * CHUNK);
      }
      partials[worker * PARTIAL_STRIDE] = loss;
    }

    /**
     * With L = log Σ exp x: −Σ target log p = (1 − s)(L − x[label]) + s (L − mean x), as the target
     * is (1 − s) one-hot + s / K. Everything is shifted by the maximum.
     */
    private double row(int row, int chunk) {
      int from = logitsOffset + row * classes;
      FloatVector maxima = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
      for (int k = 0; k < classes; k += LANES) {
        VectorMask<Float> mask = SPECIES.indexInRange(k, classes);
        FloatVector x = FloatVector.fromArray(SPECIES, logits, from + k, mask);
        maxima = x.blend(Float.NEGATIVE_INFINITY, mask.not()).max(maxima);
      }
      float max = maxima.reduceLanes(VectorOperators.MAX);
      double sum = 0;
      double shifted = 0;
      for (int k = 0; k < classes; k += CHUNK) {
        int count = Math.min(CHUNK, classes - k);
        for (int i = 0; i < count; i++) {
          float x = logits[from + k + i] - max;
          scratch[chunk + i] = x;
          shifted += x;
        }
        VectorMath.exp(scratch, chunk, count);
        for (int i = 0; i < count; i++) {
          sum += scratch[chunk + i];
        }
      }
      double meanShifted = shifted / classes;
      int label = labels[labelsOffset + row];
      double logSum = Math.log(sum);
      double loss = (1.0 - smoothing) * (logSum - (logits[from + label] - max));
      if (smoothing != 0) {
        loss += smoothing * (logSum - meanShifted);
      }
      if (gradient != null) {
        gradient(gradient, gradientOffset + row * classes, from, max, (float) (1 / sum), label);
      }
      return loss;
    }

    /** gradient = (softmax − target) / rows; may overwrite the logits it reads. */
    private void gradient(
        float[] gradient, int to, int from, float max, float inverseSum, int label) {
      float uniform = smoothing / classes;
      float inverseRows = 1f / rows;
      for (int k = 0; k < classes; k++) {
        gradient[to + k] = logits[from + k] - max;
      }
      VectorMath.exp(gradient, to, classes);
      for (int k = 0; k < classes; k++) {
        gradient[to + k] = (gradient[to + k] * inverseSum - uniform) * inverseRows;
      }
      gradient[to + label] -= (1 - smoothing) * inverseRows;
    }
  }

  /** The operands of the call in progress; kept, so that a call allocates nothing. */
  private final class Correct implements WorkerTeam.Task {
    private float[] logits = {};
    private int[] labels = {};
    private int logitsOffset;
    private int labelsOffset;
    private int rows;
    private int classes;

    @Override
    public void run(int worker, int workers) {
      int to = Shares.begin(rows, 1, worker + 1, workers);
      int count = 0;
      for (int row = Shares.begin(rows, 1, worker, workers); row < to; row++) {
        int from = logitsOffset + row * classes;
        int best = 0;
        for (int k = 1; k < classes; k++) {
          if (logits[from + k] > logits[from + best]) {
            best = k;
          }
        }
        if (best == labels[labelsOffset + row]) {
          count++;
        }
      }
      partials[worker * PARTIAL_STRIDE] = count;
    }
  }
}
