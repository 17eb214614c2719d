package dev.sextant.nas.cells;

import dev.sextant.nas.predict.LatencyPredictor;
import dev.sextant.runtime.Cell.Edge;
import dev.sextant.runtime.Cell.Node;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;

/**
 * LAT(α), eq. 2 of Latency-Aware DARTS: the mean predicted latency, in ms, of sub-networks sampled
 * from the current weights of the normal cell's ops, two edges for each node.
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
    List<List<Node>> samples = new ArrayList<>();
    for (int m = 0; m < config.samples; m++) {
      samples.add(CellEncoding.sample(parameters, 1, rng));
    }
    double[][] byOp = new double[space.edges()][space.candidates().size()];
    double sum =
        switch (config.gradient) {
          case SWAPPED -> swapped(space, samples, byOp);
          case PREDICTOR -> slopes(space, samples, byOp);
        };
    CellParameters gradient = CellParameters.zeros(space);
    for (int edge = 0; edge < byOp.length; edge++) {
      addGradient(parameters, edge, byOp[edge], gradient);
    }
    return new Estimate(sum / config.samples, gradient);
  }

  /** The sum of the samples' latencies; adds the gradients by the ops' probabilities. */
  private double swapped(CellSpace space, List<List<Node>> samples, double[][] byOp) {
    int width = CellEncoding.width(space);
    int ops = space.candidates().size() - 1;
    int variants = 1 + CellSpace.KEPT * space.nodes() * ops;
    float[] rows = new float[samples.size() * variants * width];
    int row = 0;
    for (List<Node> sample : samples) {
      float[] bits = CellEncoding.encode(space, sample);
      System.arraycopy(bits, 0, rows, row++ * width, width);
      for (Kept kept : kept(space, sample)) {
        for (int op = 1; op <= ops; op++) {
          float[] variant = bits.clone();
          variant[CellEncoding.bit(space, kept.edge, kept.op)] = 0;
          variant[CellEncoding.bit(space, kept.edge, op)] = 1;
          System.arraycopy(variant, 0, rows, row++ * width, width);
        }
      }
    }
    double[] ms = predictor.predict(rows);
    for (int i = 0; i < ms.length; i++) {
      ms[i] += noise();
    }
    double sum = 0;
    row = 0;
    for (List<Node> sample : samples) {
      sum += ms[row++];
      for (Kept kept : kept(space, sample)) {
        for (int op = 1; op <= ops; op++) {
          byOp[kept.edge][op] += ms[row++] / samples.size();
        }
      }
    }
    return sum;
  }

  private double slopes(CellSpace space, List<List<Node>> samples, double[][] byOp) {
    int width = CellEncoding.width(space);
    float[] rows = new float[samples.size() * width];
    for (int m = 0; m < samples.size(); m++) {
      System.arraycopy(CellEncoding.encode(space, samples.get(m)), 0, rows, m * width, width);
    }
    LatencyPredictor.Differentiated latency = predictor.differentiate(rows);
    double sum = 0;
    for (int m = 0; m < samples.size(); m++) {
      sum += latency.ms()[m] + noise();
      for (Kept kept : kept(space, samples.get(m))) {
        for (int op = 1; op < space.candidates().size(); op++) {
          int bit = m * width + CellEncoding.bit(space, kept.edge, op);
          byOp[kept.edge][op] += latency.gradient()[bit] / samples.size();
        }
      }
    }
    return sum;
  }

  /** An edge of a sample and its op. */
  private record Kept(int edge, int op) {}

  private static List<Kept> kept(CellSpace space, List<Node> sample) {
    List<Kept> kept = new ArrayList<>();
    for (int node = 0; node < sample.size(); node++) {
      for (Edge edge : sample.get(node).edges()) {
        int op = space.candidates().indexOf(edge.op());
        kept.add(new Kept(CellSpace.firstEdge(node) + edge.from(), op));
      }
    }
    return kept;
  }

  private double noise() {
    return config.noiseMs == 0 ? 0 : config.noiseMs * rng.nextGaussian();
  }

  /**
   * Adds the gradient by α of an edge whose op is drawn by the softmax given that it is not zero:
   * the softmax over the others, so that zero's α gets none.
   */
  static void addGradient(
      CellParameters parameters, int edge, double[] byOp, CellParameters gradient) {
    double[] given = CellEncoding.withoutZero(parameters.opWeights(1, edge));
    double mean = 0;
    for (int op = 1; op < given.length; op++) {
      mean += given[op] * byOp[op];
    }
    double[] into = gradient.type(1).alphas()[edge];
    for (int op = 1; op < given.length; op++) {
      into[op] += given[op] * (byOp[op] - mean);
    }
  }
}
