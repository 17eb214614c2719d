package dev.sextant.nas.policy;

/** The mathematics of one decision's architecture parameters. */
public final class Probabilities {
  private Probabilities() {}

  /**
   * {@return softmax in double}
   *
   * @param alpha logits of the options
   */
  public static double[] softmax(float[] alpha) {
    double[] p = new double[alpha.length];
    softmax(alpha, p);
    return p;
  }

  /** As {@link #softmax(float[])}, into an array of that length. */
  static void softmax(float[] alpha, double[] p) {
    double max = Double.NEGATIVE_INFINITY;
    for (float a : alpha) {
      max = Math.max(max, a);
    }
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(alpha[i] - max);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
  }

  /**
   * {@return ∂L/∂alpha_i = sum over j of slope_j p_j (delta_ij - p_i) (ProxylessNAS, eq. 4): the
   * chain rule through softmax} With slopes ∂L/∂g_j it is the binary gates' gradient, with
   * candidates' latencies that of the expected latency (eq. 5).
   *
   * @param slopes derivative by each probability
   * @param p the probabilities, which the softmax gives
   */
  public static double[] throughSoftmax(double[] slopes, double[] p) {
    double[] gradient = new double[p.length];
    throughSoftmax(slopes, p, gradient);
    return gradient;
  }

  /** As {@link #throughSoftmax(double[], double[])}, into an array of that length. */
  static void throughSoftmax(double[] slopes, double[] p, double[] gradient) {
    double mean = 0;
    for (int j = 0; j < p.length; j++) {
      mean += slopes[j] * p[j];
    }
    for (int i = 0; i < p.length; i++) {
      gradient[i] = p[i] * (slopes[i] - mean);
    }
  }

  /**
   * {@return what the two updated parameters of a two-path step must be lowered by so that the sum
   * of their exponentials, and so every other path's probability, stays: ln(sum exp new / sum exp
   * old)}
   *
   * @param oldA first parameter before the step
   * @param oldB second parameter before the step
   * @param newA first parameter after the step
   * @param newB second parameter after the step
   */
  public static double twoPathOffset(float oldA, float oldB, float newA, float newB) {
    return logSumExp(newA, newB) - logSumExp(oldA, oldB);
  }

  private static double logSumExp(double a, double b) {
    double max = Math.max(a, b);
    return max + Math.log(Math.exp(a - max) + Math.exp(b - max));
  }

  /** 1 / (1 + e^-x). */
  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /**
   * {@return entropy in nats}
   *
   * @param p probabilities of the options
   */
  public static double entropy(double[] p) {
    double entropy = 0;
    for (double q : p) {
      if (q > 0) {
        entropy -= q * Math.log(q);
      }
    }
    return entropy;
  }

  /**
   * {@return index of the largest entry, the first of equals}
   *
   * @param p probabilities of the options
   */
  public static int argmax(double[] p) {
    int best = 0;
    for (int i = 1; i < p.length; i++) {
      if (p[i] > p[best]) {
        best = i;
      }
    }
    return best;
  }
}
