package dev.sextant.tensor;

import org.jspecify.annotations.Nullable;

/**
 * The one seam to hardware: the kernels an engine is made of.
 *
 * <p>Images are {@code [N, H, W, C]}; convolution kernels {@code [k, k, Cin, Cout]}; depthwise
 * kernels {@code [k, k, C]}; per-channel vectors {@code [C]}. Inputs are not changed; outputs are
 * overwritten unless a method says it accumulates; an output may share its storage with an input
 * only where a method says so. Every method checks its shapes first and throws {@link
 * SextantException} naming itself and the shapes ({@link Check} holds the rules). Sizes of zero are
 * legal. For a fixed thread count every result is the same from run to run, bit for bit.
 *
 * <p>Not thread-safe: one backend serves one thread, and splits its own work over its threads.
 */
public interface Backend extends AutoCloseable {
  /** The plain loops in double that every other backend is tested against. */
  static Backend reference() {
    return Backends.open(Device.REFERENCE, 1);
  }

  /** The CPU with that many threads, on the Vector API where the JVM has it. */
  static Backend cpu(int threads) {
    return Backends.open(Device.CPU, threads);
  }

  /** What this backend runs on. */
  Device device();

  /** How many threads share a kernel's work. */
  int threads();

  /** The pool its tensors come from. */
  Memory memory();

  /** Copies {@code to.size()} floats from an array into a tensor. */
  default void upload(float[] from, int offset, Tensor to) {
    System.arraycopy(from, offset, to.floats(), to.offset(), to.size());
  }

  /** Copies {@code to.size()} integers from an array into a tensor. */
  default void upload(int[] from, int offset, Tensor to) {
    System.arraycopy(from, offset, to.ints(), to.offset(), to.size());
  }

  /** Copies a float tensor into an array. */
  default void download(Tensor from, float[] to, int offset) {
    System.arraycopy(from.floats(), from.offset(), to, offset, from.size());
  }

  // ---- elementwise; a, b, x and out have one shape, and out may be an input

  /** x = value. */
  void fill(Tensor x, float value);

  /** to = from. */
  void copy(Tensor from, Tensor to);

  /** y += a x. */
  void axpy(float a, Tensor x, Tensor y);

  /** out = factor x. */
  void scale(Tensor x, float factor, Tensor out);

  /** out = a + b. */
  void add(Tensor a, Tensor b, Tensor out);

  /** out = a b, elementwise. */
  void multiply(Tensor a, Tensor b, Tensor out);

  /** out = activation(x). */
  void activate(Tensor x, Activation activation, Tensor out);

  /** dx = dy activation'(x). */
  void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx);

  // ---- per channel

  /** out[.., c] = x[.., c] + bias[c]; out may be x. */
  void addBias(Tensor x, Tensor bias, Tensor out);

  /** out[c] = sum of x[.., c]: the gradient of a bias. */
  void channelSum(Tensor x, Tensor out);

  /** out[n, h, w, c] = x[n, h, w, c] s[n, c] with s {@code [N, C]}; out may be x. */
  void scaleChannels(Tensor x, Tensor s, Tensor out);

  /** out[n, c] = sum over h, w of a[n, h, w, c] b[n, h, w, c]. */
  void channelDot(Tensor a, Tensor b, Tensor out);

  /**
   * to[.., toChannel + i] = from[.., fromChannel + i] for i below count: concatenation and slicing.
   * Both have the same rows; other channels of {@code to} keep their values.
   */
  void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count);

  // ---- reductions

  /** The sum of all elements. */
  double sum(Tensor x);

  /** The inner product of two tensors of one shape. */
  double dot(Tensor a, Tensor b);

  // ---- matrices

  /**
   * c = op(a) op(b), or c += op(a) op(b) where {@code accumulate}, on tensors of rank 2; op
   * transposes where asked. c is {@code [M, N]}, op(a) {@code [M, K]}, op(b) {@code [K, N]}.
   */
  void gemm(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate);

  // ---- dense convolution

  /**
   * out = activation(conv(x, w) + bias) + residual, where bias {@code [Cout]} and residual (of
   * out's shape) may be absent. A pointwise window makes it one GEMM over the pixels.
   */
  void conv2d(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out);

  /** dx = the gradient with respect to the input, from dy {@code [N, H', W', Cout]}. */
  void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx);

  /** dw = the gradient with respect to the kernel. */
  void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw);

  // ---- depthwise convolution

  /** out = activation(depthwise(x, w) + bias), where bias {@code [C]} may be absent. */
  void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out);

  /** dx = the gradient with respect to the input. */
  void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx);

  /** dw {@code [k, k, C]} = the gradient with respect to the kernel. */
  void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw);

  // ---- batch normalisation (Ioffe and Szegedy, 2015)

  /** mean[c] and variance[c] (biased) of z[.., c], in two stages or shifted, not E[z²]-E[z]². */
  void batchNormStatistics(Tensor z, Tensor mean, Tensor variance);

  /**
   * out = activation(gamma (z - mean) / sqrt(variance + epsilon) + beta) + residual, where residual
   * may be absent; out may be z or residual.
   */
  void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out);

  /**
   * Gradients of {@link #batchNormApply} in training, where mean and variance are those of z
   * itself: dz, dgamma and dbeta from dy. The activation's derivative is taken at the recomputed
   * pre-activation, so that nothing but z need be kept. dz may be dy.
   */
  void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta);

  /**
   * The inner product of dy with the batch norm (in training, no activation) of z, without writing
   * that output: ProxylessNAS's gate gradient (Appendix D, eq. 9) from per-channel sums of dy, z,
   * z² and dy z in a single pass. {@code shift} {@code [C]} is any estimate of the channel means;
   * it is subtracted from z first, against cancellation.
   */
  double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift);

  /**
   * The per-channel constants {@code [C]} of a batch normalisation and the activation fused into
   * it. May be {@link #set} again: a step that keeps one allocates nothing.
   */
  final class BatchNorm {
    private Tensor mean;
    private Tensor variance;
    private Tensor gamma;
    private Tensor beta;
    private float epsilon;
    private Activation activation;

    /** See {@link #set}. */
    public BatchNorm(
        Tensor mean,
        Tensor variance,
        Tensor gamma,
        Tensor beta,
        float epsilon,
        Activation activation) {
      this.mean = mean;
      this.variance = variance;
      this.gamma = gamma;
      this.beta = beta;
      this.epsilon = epsilon;
      this.activation = activation;
    }

    /**
     * Makes these its constants; returns it.
     *
     * @param mean {@code [C]}
     * @param variance biased, {@code [C]}
     * @param gamma scale, {@code [C]}
     * @param beta offset, {@code [C]}
     */
    public BatchNorm set(
        Tensor mean,
        Tensor variance,
        Tensor gamma,
        Tensor beta,
        float epsilon,
        Activation activation) {
      this.mean = mean;
      this.variance = variance;
      this.gamma = gamma;
      this.beta = beta;
      this.epsilon = epsilon;
      this.activation = activation;
      return this;
    }

    /** Subtracted from z. */
    public Tensor mean() {
      return mean;
    }

    /** The squared deviation of z, biased. */
    public Tensor variance() {
      return variance;
    }

    /** The scale. */
    public Tensor gamma() {
      return gamma;
    }

    /** The offset. */
    public Tensor beta() {
      return beta;
    }

    /** Added to the variance. */
    public float epsilon() {
      return epsilon;
    }

    /** What follows. */
    public Activation activation() {
      return activation;
    }
  }

  // ---- pooling

  /** Maximum over the window; padding never wins. */
  void maxPool(Tensor x, Window window, Tensor out);

  /** dx from dy; the gradient goes to the first maximum of each window in row-major order. */
  void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx);

  /** Mean over the window's pixels inside the image (padding not counted). */
  void avgPool(Tensor x, Window window, Tensor out);

  /** dx from dy. */
  void avgPoolBackward(Tensor dy, Window window, Tensor dx);

  /** Mean over height and width: {@code [N, H, W, C]} to {@code [N, C]}. */
  void globalAvgPool(Tensor x, Tensor out);

  /** dx {@code [N, H, W, C]} from dy {@code [N, C]}. */
  void globalAvgPoolBackward(Tensor dy, Tensor dx);

  // ---- loss

  /**
   * Mean cross-entropy of softmax(logits) {@code [N, K]} against integer labels {@code [N]}, with
   * label smoothing: the target is (1 - smoothing) one-hot + smoothing / K.
   *
   * @param dlogits where to write the gradient of that mean, or null; may be logits
   * @return the mean loss in nats; 0 for an empty batch
   */
  double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits);

  /** How many rows of logits {@code [N, K]} have their (first) maximum at the label. */
  int countCorrect(Tensor logits, Tensor labels);

  // ---- fused optimizer steps; all tensors have one shape

  /**
   * SGD: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v). The gradient
   * tensor is left as it was.
   */
  void sgdStep(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov);

  /** Adam (Kingma and Ba, 2015) with L2 decay added to the gradient; {@code step} counts from 1. */
  void adamStep(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int step);

  /**
   * RMSProp with momentum: s = rho s + (1 - rho) g²; v = momentum v + rate g / sqrt(s + epsilon); w
   * -= v, as TensorFlow has it (epsilon inside the root).
   */
  void rmsPropStep(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay);

  /** Stops the worker threads. Idempotent. */
  @Override
  void close();
}
