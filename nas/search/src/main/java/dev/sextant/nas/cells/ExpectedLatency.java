package dev.sextant.nas.cells;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;

/**
 * LAT(α), eq. 2 of Latency-Aware DARTS: the mean predicted latency, in ms, of sub-networks sampled
 * from the current weights of the ops, two edges for each node: of the normal cell, and of the
 * reduction cell where the predictor reads both.
 *
 * <p>The paper samples 8 of the 14 edges; two for each node is the same number, and what the
 * predictor was trained on.
 */
public final class ExpectedLatency implements ArchitectureCost {
  /** Sub-networks that the paper samples. */
  public static final int SAMPLES = 20;

  private final LatencyPredictor predictor;
  private final Config config;
  private final Rng rng;

  /** How the gradient by the probability of an op is estimated. */
  public enum Gradient {
    /**
     * The mean over the samples of the latency with that op in the place of the edge's: the exact
     * derivative of the expectation given the rest of each sample.
     */
    SWAPPED,
    /**
     * The mean over the samples of the predictor's derivative by the op's bit, as the paper has it.
     * The predictor has only ever seen bits of 0 and 1, so that its slope between them is not
     * trained.
     */
    PREDICTOR
  }

  /**
   * How it is estimated.
   *
   * @param samples sub-networks, 20 in the paper
   * @param gradient how the gradient is found
   * @param noiseMs deviation of normal noise added to every prediction: the robustness experiment
   *     (Table 3); a predictor's slope does not feel it
   */
  public record Config(int samples, Gradient gradient, double noiseMs) {
    /** 20 samples, swapped ops, no noise. */
    public static final Config DEFAULT = new Config(SAMPLES, Gradient.SWAPPED, 0);

    /** Checks the ranges. */
    public Config {
      if (samples < 1 || !(noiseMs >= 0)) {
        throw new SextantException(
            "expected latency: %d samples or noise of %s ms out of range"
                .formatted(samples, noiseMs));
      }
    }
  }

  /**
   * An estimator.
   *
   * @param predictor of encoded normal cells, in ms; stays the caller's
   * @param config how it is estimated
   * @param rng where samples and noise come from; part of a checkpoint
   */
  public ExpectedLatency(LatencyPredictor predictor, Config config, Rng rng) {
    this.predictor = predictor;
    this.config = config;
    this.rng = rng;
  }

  @Override
  public Estimate estimate(CellParameters parameters) {
    CellSpace space = parameters.space();
    int types = CellEncoding.types(space, predictor.width());
    List<float[]> samples = new ArrayList<>();
    for (int m = 0; m < config.samples; m++) {
      List<Node> normal = CellEncoding.sample(parameters, 1, rng);
      List<Node> reduction = types == 1 ? normal : CellEncoding.sample(parameters, 2, rng);
      samples.add(CellEncoding.encode(space, new Genotype(normal, reduction), types));
    }
    double[][] byOp = new double[types * space.edges()][space.candidates().size()];
    double sum =
        switch (config.gradient) {
          case SWAPPED -> swapped(space, samples, byOp);
          case PREDICTOR -> slopes(space, samples, byOp);
        };
    CellParameters gradient = CellParameters.zeros(space);
    for (int edge = 0; edge < byOp.length; edge++) {
      int stride = 1 + edge / space.edges();
      addGradient(parameters, stride, edge % space.edges(), byOp[edge], gradient);
    }
    return new Estimate(sum / config.samples, gradient);
  }

  /** The sum of the samples' latencies; adds the gradients by the ops' probabilities. */
  private double swapped(CellSpace space, List<float[]> samples, double[][] byOp) {
    int width = predictor.width();
    int ops = space.candidates().size();
    int kept = byOp.length / space.edges() * CellSpace.KEPT * space.nodes();
    int variants = 1 + kept * (ops - 1);
    float[] rows = new float[samples.size() * variants * width];
    int row = 0;
    for (float[] bits : samples) {
      System.arraycopy(bits, 0, rows, row++ * width, width);
      for (int bit = 0; bit < width; bit++) {
        for (int op = 1; bits[bit] == 1 && op < ops; op++) {
          int at = row++ * width;
          System.arraycopy(bits, 0, rows, at, width);
          rows[at + bit] = 0;
          rows[at + bit / ops * ops + op] = 1;
        }
      }
    }
    double[] ms = predictor.predict(rows);
    for (int i = 0; i < ms.length; i++) {
      ms[i] += noise();
    }
    double sum = 0;
    row = 0;
    for (float[] bits : samples) {
      sum += ms[row++];
      for (int bit = 0; bit < width; bit++) {
        for (int op = 1; bits[bit] == 1 && op < ops; op++) {
          byOp[bit / ops][op] += ms[row++] / samples.size();
        }
      }
    }
    return sum;
  }

  private double slopes(CellSpace space, List<float[]> samples, double[][] byOp) {
    int width = predictor.width();
    int ops = space.candidates().size();
    float[] rows = new float[samples.size() * width];
    for (int m = 0; m < samples.size(); m++) {
      System.arraycopy(samples.get(m), 0, rows, m * width, width);
    }
    LatencyPredictor.Differentiated latency = predictor.differentiate(rows);
    double sum = 0;
    for (int m = 0; m < samples.size(); m++) {
      sum += latency.ms()[m] + noise();
      for (int bit = 0; bit < width; bit++) {
        for (int op = 1; samples.get(m)[bit] == 1 && op < ops; op++) {
          int of = bit / ops * ops + op;
          byOp[bit / ops][op] += latency.gradient()[m * width + of] / samples.size();
        }
      }
    }
    return sum;
  }

  private double noise() {
    return config.noiseMs == 0 ? 0 : config.noiseMs * rng.nextGaussian();
  }

  /**
   * Adds the gradient by α of an edge whose op is drawn by the softmax given that it is not zero:
   * the softmax over the others, so that zero's α gets none.
   */
  static void addGradient(
      CellParameters parameters, int stride, int edge, double[] byOp, CellParameters gradient) {
    double[] given = CellEncoding.withoutZero(parameters.opWeights(stride, edge));
    double mean = 0;
    for (int op = 1; op < given.length; op++) {
      mean += given[op] * byOp[op];
    }
    double[] into = gradient.type(stride).alphas()[edge];
    for (int op = 1; op < given.length; op++) {
      into[op] += given[op] * (byOp[op] - mean);
    }
  }
}
