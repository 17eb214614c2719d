package dev.sextant.tensor;

import java.util.List;
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

  /** What this backend runs on, for a reader: name, memory, versions of drivers. */
  default String description() {
    return device().toString();
  }

  /**
   * Waits until everything asked for so far is done. Kernels of the CPU are done when they return;
   * a device queues them.
   */
  default void synchronize() {}

  /**
   * Work that is done again and again on the same tensors, as one thing to ask for: a device may
   * record it (a CUDA graph). It consists of kernels alone: no transfers, nothing that returns a
   * number. May do it once or twice meanwhile.
   *
   * @return does the work; valid while the tensors and this backend are open
   */
  default Runnable repeatable(Runnable work) {
    return work;
  }

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
    private @Nullable BatchNorm linear;

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

    /** The norm without its activation, as it is now: each call gives the same object. */
    BatchNorm linear() {
      if (linear == null) {
        linear = new BatchNorm(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
      }
      return linear.set(mean, variance, gamma, beta, epsilon, Activation.IDENTITY);
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

  // ---- the memory-frugal block: convolutions that read and write through batch normalisation
  //
  // A network in training is raw convolution outputs z, joined by norms: x = norm(z) below means
  // activation(gamma (z - mean) / sqrt(variance + epsilon) + beta). These kernels apply the norm
  // while they load, so that only z is kept, and find its statistics or its gradient's sums while
  // they store. The gradient dz of a norm's input is never stored either: it is read from
  // g = dy activation'(norm(z)), z and the sums dgamma and dbeta as {@link #batchNormBackward}
  // has it. The methods that have a body here do the same in several passes.

  /**
   * The gradient of a batch norm, of which {@code g} of the methods below is the part per element.
   * Reusable, as {@link BatchNorm} is. Confined to one thread.
   */
  final class NormGradient {
    private BatchNorm norm;
    private Tensor dgamma;
    private Tensor dbeta;

    /** See {@link #set}. */
    public NormGradient(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
      this.norm = norm;
      this.dgamma = dgamma;
      this.dbeta = dbeta;
    }

    /**
     * Makes these its parts; returns it.
     *
     * @param norm in training: mean and variance are those of z itself
     * @param dgamma sum of g (z - mean) / sqrt(variance + epsilon), {@code [C]}
     * @param dbeta sum of g, {@code [C]}
     */
    public NormGradient set(BatchNorm norm, Tensor dgamma, Tensor dbeta) {
      this.norm = norm;
      this.dgamma = dgamma;
      this.dbeta = dbeta;
      return this;
    }

    /** What it is the gradient of. */
    public BatchNorm norm() {
      return norm;
    }

    /** The gradient of the scale. */
    public Tensor dgamma() {
      return dgamma;
    }

    /** The gradient of the offset. */
    public Tensor dbeta() {
      return dbeta;
    }
  }

  /**
   * The first half of {@link #batchNormBackward}: g = dy activation'(norm(z)), with dgamma and
   * dbeta of {@code gradient} written; g may be dy.
   */
  default void batchNormReduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    NormalizedConvolutions.reduce(this, z, dy, gradient, g);
  }

  /**
   * z = conv(norm(x), w), and mean[c] and variance[c] (biased) of z[.., c].
   *
   * @param norm of x; absent: x as it is
   */
  default void conv2dNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    NormalizedConvolutions.conv2d(this, x, norm, w, window, z, mean, variance);
  }

  /**
   * {@link #batchNormInnerProduct} of dy with the batch norm of z = conv(norm(x), w), where z is
   * not kept: the gate gradient of a candidate that ends in a convolution and its norm.
   *
   * @param norm of x; absent: x as it is
   */
  default double conv2dNormalizedInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    return NormalizedConvolutions.conv2dInnerProduct(
        this, x, norm, w, window, dy, gamma, beta, epsilon, shift);
  }

  /**
   * The gradient with respect to the input of z = conv(norm(x), w), from g and z of its output's
   * norm.
   *
   * @param gradient of z's norm, its sums already there
   * @param x the convolution's input before its norm; absent where {@code into} is
   * @param into the gradient of x's norm, whose sums are written; absent where the convolution read
   *     x as it is
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is absent
   */
  default void conv2dNormalizedBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    NormalizedConvolutions.conv2dBackwardData(this, g, z, gradient, w, window, x, into, gx);
  }

  /**
   * dw = the gradient with respect to the kernel of z = conv(norm(x), w), from g and z of its
   * output's norm.
   *
   * @param norm of x; absent: x as it is
   * @param gradient of z's norm, its sums already there
   */
  default void conv2dNormalizedBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    NormalizedConvolutions.conv2dBackwardFilter(this, x, norm, g, z, gradient, window, dw);
  }

  /** As {@link #conv2dNormalized}, with a depthwise convolution by w {@code [k, k, C]}. */
  default void depthwiseNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    NormalizedConvolutions.depthwise(this, x, norm, w, window, z, mean, variance);
  }

  /**
   * Both gradients of z = depthwise(norm(x), w), from g and z of its output's norm, in one pass
   * over them.
   *
   * @param gradient of z's norm, its sums already there
   * @param x the convolution's input before its norm; may be absent if neither its norm nor {@code
   *     dw} is there
   * @param into the gradient of x's norm, whose sums are written if {@code gx} is wanted; absent
   *     where the convolution read x as it is
   * @param dw the gradient of w; null if not wanted
   * @param gx g of x's norm, or the gradient of x itself where {@code into} is absent; null if not
   *     wanted
   */
  default void depthwiseNormalizedBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    NormalizedConvolutions.depthwiseBackward(this, g, z, gradient, w, window, x, into, dw, gx);
  }

  /** Kernels of bottlenecks that make an expansion again; null where keeping it is faster. */
  default @Nullable Expansions expansions() {
    return null;
  }

  // ---- superkernels

  /**
   * The gates of a depthwise superkernel and the kernel that they leave (Single-Path NAS, eq. 1 to
   * 4). A gate is open, and has its scale as its value, where norm - threshold >= 0, and is 0 else.
   * The norm of a shell is the root mean square of its weights, that of a group of channels is of
   * the weights as the shells' gates leave them. A weight is multiplied by the gates of its shell
   * and of all shells inside it, and by those of its group and of all groups before it but the
   * first, which stands for the layer ({@link Nesting}).
   *
   * <p>The paper takes the sum of squares; its square root over their number makes thresholds of
   * layers of any size alike, and keeps the derivative below from vanishing.
   *
   * @param w {@code [k, k, C]}
   * @param thresholds one for each gate
   * @param scales one for each gate: 1, or what dropout made of it
   * @param gates written, one for each gate
   * @param effective written, of w's shape
   */
  void superkernel(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective);

  /**
   * Gradients of {@link #superkernel}, straight through: a gate's derivative with respect to its
   * norm is scale sigmoid'(norm - threshold), to its threshold the negative of that.
   *
   * @param dgates gradients of the gates, from what else reads them, such as the runtime
   * @param deffective gradient of the effective kernel
   */
  void superkernelBackward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds);

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

  // ---- the same for many tensors: a device makes one launch of them

  /**
   * {@link #sgdStep} of many tensors.
   *
   * @param tensors w, g and v of each
   * @param decays of each
   */
  default void sgdSteps(
      List<Tensor[]> tensors, float rate, float momentum, float[] decays, boolean nesterov) {
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      sgdStep(t[0], t[1], t[2], rate, momentum, decays[i], nesterov);
    }
  }

  /**
   * {@link #adamStep} of many tensors.
   *
   * @param tensors w, g, m and v of each
   * @param decays of each
   * @param steps of each, from 1
   */
  default void adamSteps(
      List<Tensor[]> tensors,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float[] decays,
      int[] steps) {
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      adamStep(t[0], t[1], t[2], t[3], rate, beta1, beta2, epsilon, decays[i], steps[i]);
    }
  }

  /**
   * {@link #rmsPropStep} of many tensors.
   *
   * @param tensors w, g, s and v of each
   * @param decays of each
   */
  default void rmsPropSteps(
      List<Tensor[]> tensors,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float[] decays) {
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      rmsPropStep(t[0], t[1], t[2], t[3], rate, rho, momentum, epsilon, decays[i]);
    }
  }

  /** Stops the worker threads. Idempotent. */
  @Override
  void close();
}
