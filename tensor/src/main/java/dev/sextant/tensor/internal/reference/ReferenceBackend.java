package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.internal.Superkernel;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The oracle: plain loops in double, each element rounded to float once, on the calling thread.
 * Inputs are checked by then ({@code CheckedBackend}).
 *
 * <p>Every kernel reads its inputs into arrays of doubles before it writes, so any output may share
 * its storage with any input. It is also the CPU backend where the JVM has no vector module.
 */
public final class ReferenceBackend implements Backend {
  private final Device device;
  private final Memory memory = new Memory();
  private final Superkernel superkernel = new Superkernel();

  /** The reference device with a memory of its own. */
  public ReferenceBackend() {
    this(Device.REFERENCE);
  }

  /** The same kernels under another device's name, such as the CPU's. */
  public ReferenceBackend(Device device) {
    this.device = device;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public Memory memory() {
    return memory;
  }

  @Override
  public void fill(Tensor x, float value) {
    Arrays.fill(x.floats(), x.offset(), x.offset() + x.size(), value);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    map(from, value -> value, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    combine(x, y, (left, right) -> a * left + right, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    map(x, value -> factor * value, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    combine(a, b, Double::sum, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    combine(a, b, (left, right) -> left * right, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    map(x, activation::apply, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    combine(x, dy, (value, gradient) -> gradient * activation.derivative(value), dx);
  }

  private static void map(Tensor x, DoubleUnaryOperator function, Tensor out) {
    double[] values = read(x);
    Arrays.setAll(values, i -> function.applyAsDouble(values[i]));
    write(values, out);
  }

  private static void combine(Tensor a, Tensor b, DoubleBinaryOperator function, Tensor out) {
    double[] left = read(a);
    double[] right = read(b);
    Arrays.setAll(left, i -> function.applyAsDouble(left[i], right[i]));
    write(left, out);
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    double[] values = read(x);
    double[] biases = read(bias);
    for (int i = 0; i < values.length; i++) {
      values[i] += biases[i % biases.length];
    }
    write(values, out);
  }

  @Override
  public void channelSum(Tensor x, Tensor out) {
    double[] values = read(x);
    double[] sums = new double[out.size()];
    for (int i = 0; i < values.length; i++) {
      sums[i % sums.length] += values[i];
    }
    write(sums, out);
  }

  @Override
  public void scaleChannels(Tensor x, Tensor s, Tensor out) {
    double[] values = read(x);
    double[] factors = read(s);
    for (int i = 0; i < values.length; i++) {
      values[i] *= factors[imageChannel(x.shape(), i)];
    }
    write(values, out);
  }

  @Override
  public void channelDot(Tensor a, Tensor b, Tensor out) {
    double[] left = read(a);
    double[] right = read(b);
    double[] sums = new double[out.size()];
    for (int i = 0; i < left.length; i++) {
      sums[imageChannel(a.shape(), i)] += left[i] * right[i];
    }
    write(sums, out);
  }

  /** Where element i of {@code [N, H, W, C]} belongs in {@code [N, C]}. */
  private static int imageChannel(Shape image, int i) {
    int channels = image.get(3);
    return i / (image.get(1) * image.get(2) * channels) * channels + i % channels;
  }

  @Override
  public void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    double[] source = read(from);
    double[] target = read(to);
    for (int row = 0; row < from.shape().rows(); row++) {
      for (int i = 0; i < count; i++) {
        target[row * to.shape().channels() + toChannel + i] =
            source[row * from.shape().channels() + fromChannel + i];
      }
    }
    write(target, to);
  }

  @Override
  public double sum(Tensor x) {
    double sum = 0;
    for (double value : read(x)) {
      sum += value;
    }
    return sum;
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    double[] left = read(a);
    double[] right = read(b);
    double sum = 0;
    for (int i = 0; i < left.length; i++) {
      sum += left[i] * right[i];
    }
    return sum;
  }

  @Override
  public void gemm(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    double[] left = read(a);
    double[] right = read(b);
    double[] sums = accumulate ? read(c) : new double[c.size()];
    int m = c.shape().get(0);
    int n = c.shape().get(1);
    int k = a.shape().get(transposeA ? 0 : 1);
    for (int i = 0; i < m; i++) {
      for (int l = 0; l < k; l++) {
        double factor = left[transposeA ? l * m + i : i * k + l];
        for (int j = 0; j < n; j++) {
          sums[i * n + j] += factor * right[transposeB ? j * k + l : l * n + j];
        }
      }
    }
    write(sums, c);
  }

  @Override
  public void conv2d(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    ReferenceConvolution.conv2d(x, w, window, bias, activation, residual, out);
  }

  @Override
  public void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    ReferenceConvolution.conv2dBackwardData(dy, w, window, dx);
  }

  @Override
  public void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    ReferenceConvolution.conv2dBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    ReferenceConvolution.depthwise(x, w, window, bias, activation, out);
  }

  @Override
  public void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    ReferenceConvolution.depthwiseBackwardData(dy, w, window, dx);
  }

  @Override
  public void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    ReferenceConvolution.depthwiseBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void batchNormStatistics(Tensor z, Tensor mean, Tensor variance) {
    ReferenceNorm.statistics(z, mean, variance);
  }

  @Override
  public void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    ReferenceNorm.apply(z, norm, residual, out);
  }

  @Override
  public void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    ReferenceNorm.backward(z, norm, dy, dz, dgamma, dbeta);
  }

  @Override
  public double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    return ReferenceNorm.innerProduct(z, dy, gamma, beta, epsilon);
  }

  @Override
  public void superkernel(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    superkernel.forward(w, thresholds, scales, nesting, gates, effective);
  }

  @Override
  public void superkernelBackward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds) {
    superkernel.backward(w, thresholds, scales, nesting, dgates, deffective, dw, dthresholds);
  }

  @Override
  public void maxPool(Tensor x, Window window, Tensor out) {
    ReferencePooling.maxPool(x, window, out);
  }

  @Override
  public void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    ReferencePooling.maxPoolBackward(x, dy, window, dx);
  }

  @Override
  public void avgPool(Tensor x, Window window, Tensor out) {
    ReferencePooling.avgPool(x, window, out);
  }

  @Override
  public void avgPoolBackward(Tensor dy, Window window, Tensor dx) {
    ReferencePooling.avgPoolBackward(dy, window, dx);
  }

  @Override
  public void globalAvgPool(Tensor x, Tensor out) {
    ReferencePooling.globalAvgPool(x, out);
  }

  @Override
  public void globalAvgPoolBackward(Tensor dy, Tensor dx) {
    ReferencePooling.globalAvgPoolBackward(dy, dx);
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    return ReferenceLoss.softmaxCrossEntropy(logits, labels, smoothing, dlogits);
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    return ReferenceLoss.countCorrect(logits, labels);
  }

  @Override
  public void sgdStep(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    ReferenceOptimizer.sgdStep(w, g, v, rate, momentum, decay, nesterov);
  }

  @Override
  public void adamStep(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int step) {
    ReferenceOptimizer.adamStep(w, g, m, v, rate, beta1, beta2, epsilon, decay, step);
  }

  @Override
  public void rmsPropStep(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay) {
    ReferenceOptimizer.rmsPropStep(w, g, s, v, rate, rho, momentum, epsilon, decay);
  }

  /** Has no threads to stop. */
  @Override
  public void close() {}
}
