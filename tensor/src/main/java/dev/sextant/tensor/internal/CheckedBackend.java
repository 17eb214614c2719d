package dev.sextant.tensor.internal;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Expansions;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rules of {@link Backend} in front of another backend's kernels: shapes first, then labels and
 * which tensors may share elements. What it lets through allocates nothing here.
 *
 * <p>Operands need not come from this backend's own memory: forks of a model read weights that one
 * of them owns. Serves one thread, as does the backend behind it.
 */
public final class CheckedBackend implements Backend {
  private final Backend kernels;
  private final @Nullable Expansions expansions;

  private CheckedBackend(Backend kernels) {
    this.kernels = kernels;
    Expansions behind = kernels.expansions();
    expansions = behind == null ? null : new CheckedExpansions(behind);
  }

  /** That backend behind the rules; itself if it is already. */
  public static Backend of(Backend backend) {
    return backend instanceof CheckedBackend ? backend : new CheckedBackend(backend);
  }

  @Override
  public Device device() {
    return kernels.device();
  }

  @Override
  public int threads() {
    return kernels.threads();
  }

  @Override
  public Memory memory() {
    return kernels.memory();
  }

  @Override
  public String description() {
    return kernels.description();
  }

  @Override
  public void synchronize() {
    kernels.synchronize();
  }

  @Override
  public Runnable repeatable(Runnable work) {
    return kernels.repeatable(work);
  }

  @Override
  public void upload(float[] from, int offset, Tensor to) {
    kernels.upload(from, offset, to);
  }

  @Override
  public void upload(int[] from, int offset, Tensor to) {
    kernels.upload(from, offset, to);
  }

  @Override
  public void download(Tensor from, float[] to, int offset) {
    kernels.download(from, to, offset);
  }

  @Override
  public void fill(Tensor x, float value) {
    kernels.fill(x, value);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    elementwise("copy", from, to);
    kernels.copy(from, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    elementwise("axpy", x, y);
    kernels.axpy(a, x, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    elementwise("scale", x, out);
    kernels.scale(x, factor, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    elementwise("add", a, b, out);
    kernels.add(a, b, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    elementwise("multiply", a, b, out);
    kernels.multiply(a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    elementwise("activate", x, out);
    kernels.activate(x, activation, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    elementwise("activateBackward", x, dy, dx);
    kernels.activateBackward(x, activation, dy, dx);
  }

  private static void elementwise(String op, Tensor x, Tensor out) {
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
  }

  private static void elementwise(String op, Tensor a, Tensor b, Tensor out) {
    Check.same(op, a, b, out);
    Check.inPlace(op, out, a);
    Check.inPlace(op, out, b);
  }

  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    String op = "addBias";
    Check.channels(op, x, bias);
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
    Check.apart(op, out, bias);
    kernels.addBias(x, bias, out);
  }

  @Override
  public void channelSum(Tensor x, Tensor out) {
    Check.channels("channelSum", x, out);
    Check.apart("channelSum", out, x);
    kernels.channelSum(x, out);
  }

  @Override
  public void scaleChannels(Tensor x, Tensor s, Tensor out) {
    String op = "scaleChannels";
    Check.imageChannels(op, "scale", x, s);
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
    Check.apart(op, out, s);
    kernels.scaleChannels(x, s, out);
  }

  @Override
  public void channelDot(Tensor a, Tensor b, Tensor out) {
    String op = "channelDot";
    Check.same(op, a, b);
    Check.imageChannels(op, "output", a, out);
    Check.apart(op, out, a);
    Check.apart(op, out, b);
    kernels.channelDot(a, b, out);
  }

  @Override
  public void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    Check.copyChannels(from, fromChannel, to, toChannel, count);
    Check.apart("copyChannels", to, from);
    kernels.copyChannels(from, fromChannel, to, toChannel, count);
  }

  @Override
  public double sum(Tensor x) {
    return kernels.sum(x);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    Check.same("dot", a, b);
    return kernels.dot(a, b);
  }

  @Override
  public void gemm(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    Check.gemm(a.shape(), transposeA, b.shape(), transposeB, c);
    Check.apart("gemm", c, a);
    Check.apart("gemm", c, b);
    kernels.gemm(a, transposeA, b, transposeB, c, accumulate);
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
    String op = "conv2d";
    Check.conv2d(op, x.shape(), w.shape(), window, "output", out);
    Check.channels(op, out, bias);
    if (residual != null) {
      Check.same(op, out, residual);
    }
    Check.apart(op, out, x);
    Check.apart(op, out, w);
    Check.apart(op, out, bias);
    Check.apart(op, out, residual);
    kernels.conv2d(x, w, window, bias, activation, residual, out);
  }

  @Override
  public void conv2dBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    String op = "conv2dBackwardData";
    Check.conv2d(op, dx.shape(), w.shape(), window, "output gradient", dy);
    Check.apart(op, dx, dy);
    Check.apart(op, dx, w);
    kernels.conv2dBackwardData(dy, w, window, dx);
  }

  @Override
  public void conv2dBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    String op = "conv2dBackwardFilter";
    Check.conv2d(op, x.shape(), dw.shape(), window, "output gradient", dy);
    Check.apart(op, dw, x);
    Check.apart(op, dw, dy);
    kernels.conv2dBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void depthwise(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    String op = "depthwise";
    Check.depthwise(op, x.shape(), w.shape(), window, "output", out);
    Check.channels(op, out, bias);
    Check.apart(op, out, x);
    Check.apart(op, out, w);
    Check.apart(op, out, bias);
    kernels.depthwise(x, w, window, bias, activation, out);
  }

  @Override
  public void depthwiseBackwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    String op = "depthwiseBackwardData";
    Check.depthwise(op, dx.shape(), w.shape(), window, "output gradient", dy);
    Check.apart(op, dx, dy);
    Check.apart(op, dx, w);
    kernels.depthwiseBackwardData(dy, w, window, dx);
  }

  @Override
  public void depthwiseBackwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    String op = "depthwiseBackwardFilter";
    Check.depthwise(op, x.shape(), dw.shape(), window, "output gradient", dy);
    Check.apart(op, dw, x);
    Check.apart(op, dw, dy);
    kernels.depthwiseBackwardFilter(x, dy, window, dw);
  }

  @Override
  public void batchNormStatistics(Tensor z, Tensor mean, Tensor variance) {
    String op = "batchNormStatistics";
    Check.channels(op, z, mean);
    Check.channels(op, z, variance);
    Check.apart(op, mean, z);
    Check.apart(op, variance, z);
    kernels.batchNormStatistics(z, mean, variance);
  }

  @Override
  public void batchNormApply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    String op = "batchNormApply";
    NormRules.channels(op, z, norm);
    Check.same(op, z, out);
    if (residual != null) {
      Check.same(op, z, residual);
    }
    Check.inPlace(op, out, z);
    Check.inPlace(op, out, residual);
    NormRules.apart(op, out, norm);
    kernels.batchNormApply(z, norm, residual, out);
  }

  @Override
  public void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    String op = "batchNormBackward";
    NormRules.channels(op, z, norm);
    Check.channels(op, z, dgamma);
    Check.channels(op, z, dbeta);
    Check.same(op, z, dy, dz);
    Check.apart(op, dz, z);
    Check.inPlace(op, dz, dy);
    NormRules.apart(op, dz, norm);
    NormRules.vectorGradient(op, dgamma, z, norm, dy);
    NormRules.vectorGradient(op, dbeta, z, norm, dy);
    kernels.batchNormBackward(z, norm, dy, dz, dgamma, dbeta);
  }

  @Override
  public double batchNormInnerProduct(
      Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon, Tensor shift) {
    String op = "batchNormInnerProduct";
    Check.same(op, z, dy);
    Check.channels(op, z, gamma);
    Check.channels(op, z, beta);
    Check.channels(op, z, shift);
    return kernels.batchNormInnerProduct(z, dy, gamma, beta, epsilon, shift);
  }

  @Override
  public void batchNormReduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    String op = "batchNormReduce";
    Check.same(op, z, dy, g);
    NormRules.channels(op, z, gradient);
    Check.apart(op, g, z);
    Check.inPlace(op, g, dy);
    NormRules.sumsApart(op, gradient, z, dy);
    NormRules.sumsApart(op, gradient, g, g);
    NormRules.apart(op, g, gradient.norm());
    kernels.batchNormReduce(z, dy, gradient, g);
  }

  @Override
  public void conv2dNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    String op = "conv2dNormalized";
    Check.conv2d(op, x.shape(), w.shape(), window, "output", z);
    NormRules.normalizedOutput(op, x, norm, w, z, mean, variance);
    kernels.conv2dNormalized(x, norm, w, window, z, mean, variance);
  }

  @Override
  public void depthwiseNormalized(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    String op = "depthwiseNormalized";
    Check.depthwise(op, x.shape(), w.shape(), window, "output", z);
    NormRules.normalizedOutput(op, x, norm, w, z, mean, variance);
    kernels.depthwiseNormalized(x, norm, w, window, z, mean, variance);
  }

  @Override
  public double conv2dNormalizedInnerProduct(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Window window,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      float epsilon,
      Tensor shift) {
    String op = "conv2dNormalizedInnerProduct";
    Check.conv2d(op, x.shape(), w.shape(), window, "output gradient", dy);
    Check.channels(op, dy, gamma);
    Check.channels(op, dy, beta);
    Check.channels(op, dy, shift);
    if (norm != null) {
      NormRules.channels(op, x, norm);
    }
    return kernels.conv2dNormalizedInnerProduct(
        x, norm, w, window, dy, gamma, beta, epsilon, shift);
  }

  @Override
  public void conv2dNormalizedBackwardData(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      Tensor gx) {
    String op = "conv2dNormalizedBackwardData";
    Check.conv2d(op, gx.shape(), w.shape(), window, "output gradient", g);
    NormRules.outputGradient(op, g, z, gradient);
    NormRules.inputGradient(op, x, into, gx, g, z);
    Check.apart(op, gx, w);
    kernels.conv2dNormalizedBackwardData(g, z, gradient, w, window, x, into, gx);
  }

  @Override
  public void conv2dNormalizedBackwardFilter(
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Window window,
      Tensor dw) {
    String op = "conv2dNormalizedBackwardFilter";
    Check.conv2d(op, x.shape(), dw.shape(), window, "output gradient", g);
    NormRules.outputGradient(op, g, z, gradient);
    if (norm != null) {
      NormRules.channels(op, x, norm);
    }
    Check.apart(op, dw, x);
    Check.apart(op, dw, g);
    Check.apart(op, dw, z);
    kernels.conv2dNormalizedBackwardFilter(x, norm, g, z, gradient, window, dw);
  }

  @Override
  public void depthwiseNormalizedBackward(
      Tensor g,
      Tensor z,
      NormGradient gradient,
      Tensor w,
      Window window,
      @Nullable Tensor x,
      @Nullable NormGradient into,
      @Nullable Tensor dw,
      @Nullable Tensor gx) {
    String op = "depthwiseNormalizedBackward";
    NormRules.outputGradient(op, g, z, gradient);
    if (dw != null) {
      Tensor input = NormRules.present(op, x);
      Check.depthwise(op, input.shape(), w.shape(), window, "output gradient", g);
      Check.same(op, w, dw);
      Check.apart(op, dw, w);
      Check.apart(op, dw, input);
      Check.apart(op, dw, g);
      Check.apart(op, dw, z);
    }
    if (gx != null) {
      Check.depthwise(op, gx.shape(), w.shape(), window, "output gradient", g);
      NormRules.inputGradient(op, x, into, gx, g, z);
      Check.apart(op, gx, w);
    } else if (into != null) {
      NormRules.channels(op, NormRules.present(op, x), into);
    }
    kernels.depthwiseNormalizedBackward(g, z, gradient, w, window, x, into, dw, gx);
  }

  @Override
  public @Nullable Expansions expansions() {
    return expansions;
  }

  @Override
  public void superkernel(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    String op = "superkernel";
    superkernelOperands(op, w, thresholds, scales, nesting);
    gates(op, "gates", gates, nesting);
    Check.same(op, w, effective);
    Check.apart(op, effective, w);
    Check.apart(op, gates, thresholds);
    Check.apart(op, gates, scales);
    kernels.superkernel(w, thresholds, scales, nesting, gates, effective);
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
    String op = "superkernelBackward";
    superkernelOperands(op, w, thresholds, scales, nesting);
    gates(op, "gradient of gates", dgates, nesting);
    gates(op, "gradient of thresholds", dthresholds, nesting);
    Check.same(op, w, deffective, dw);
    Check.apart(op, dw, w);
    Check.apart(op, dw, deffective);
    Check.apart(op, dthresholds, thresholds);
    Check.apart(op, dthresholds, scales);
    Check.apart(op, dthresholds, dgates);
    kernels.superkernelBackward(
        w, thresholds, scales, nesting, dgates, deffective, dw, dthresholds);
  }

  private static void superkernelOperands(
      String op, Tensor w, Tensor thresholds, Tensor scales, Nesting nesting) {
    Check.nesting(op, w.shape(), nesting);
    gates(op, "thresholds", thresholds, nesting);
    gates(op, "scales", scales, nesting);
  }

  private static void gates(String op, String name, Tensor tensor, Nesting nesting) {
    if (tensor.size() != nesting.gates()) {
      throw new SextantException(
          "%s: %s has %d entries, the superkernel %d gates (%s)"
              .formatted(op, name, tensor.size(), nesting.gates(), nesting));
    }
  }

  @Override
  public void maxPool(Tensor x, Window window, Tensor out) {
    Check.pool("maxPool", x.shape(), window, "output", out);
    Check.apart("maxPool", out, x);
    kernels.maxPool(x, window, out);
  }

  @Override
  public void maxPoolBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    String op = "maxPoolBackward";
    Check.pool(op, x.shape(), window, "output gradient", dy);
    Check.same(op, x, dx);
    Check.apart(op, dx, x);
    Check.apart(op, dx, dy);
    kernels.maxPoolBackward(x, dy, window, dx);
  }

  @Override
  public void avgPool(Tensor x, Window window, Tensor out) {
    Check.pool("avgPool", x.shape(), window, "output", out);
    Check.apart("avgPool", out, x);
    kernels.avgPool(x, window, out);
  }

  @Override
  public void avgPoolBackward(Tensor dy, Window window, Tensor dx) {
    Check.pool("avgPoolBackward", dx.shape(), window, "output gradient", dy);
    Check.apart("avgPoolBackward", dx, dy);
    kernels.avgPoolBackward(dy, window, dx);
  }

  @Override
  public void globalAvgPool(Tensor x, Tensor out) {
    Check.imageChannels("globalAvgPool", "output", x, out);
    Check.apart("globalAvgPool", out, x);
    kernels.globalAvgPool(x, out);
  }

  @Override
  public void globalAvgPoolBackward(Tensor dy, Tensor dx) {
    Check.imageChannels("globalAvgPoolBackward", "output gradient", dx, dy);
    Check.apart("globalAvgPoolBackward", dx, dy);
    kernels.globalAvgPoolBackward(dy, dx);
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    String op = "softmaxCrossEntropy";
    Check.labels(op, logits, labels);
    if (dlogits != null) {
      elementwise(op, logits, dlogits);
    }
    return kernels.softmaxCrossEntropy(logits, labels, smoothing, dlogits);
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    Check.labels("countCorrect", logits, labels);
    return kernels.countCorrect(logits, labels);
  }

  @Override
  public void sgdSteps(
      List<Tensor[]> tensors, float rate, float momentum, float[] decays, boolean nesterov) {
    steps("sgdSteps", tensors, 3, decays.length);
    kernels.sgdSteps(tensors, rate, momentum, decays, nesterov);
  }

  @Override
  public void adamSteps(
      List<Tensor[]> tensors,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float[] decays,
      int[] steps) {
    steps("adamSteps", tensors, 4, Math.min(decays.length, steps.length));
    kernels.adamSteps(tensors, rate, beta1, beta2, epsilon, decays, steps);
  }

  @Override
  public void rmsPropSteps(
      List<Tensor[]> tensors,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float[] decays) {
    steps("rmsPropSteps", tensors, 4, decays.length);
    kernels.rmsPropSteps(tensors, rate, rho, momentum, epsilon, decays);
  }

  private static void steps(String op, List<Tensor[]> tensors, int operands, int constants) {
    if (constants < tensors.size()) {
      throw new SextantException(
          "%s: %d tensors, constants of %d".formatted(op, tensors.size(), constants));
    }
    for (int i = 0; i < tensors.size(); i++) {
      Tensor[] t = tensors.get(i);
      if (t.length != operands) {
        throw new SextantException("%s: %d operands, needs %d".formatted(op, t.length, operands));
      }
      for (int a = 1; a < operands; a++) {
        Check.same(op, t[0], t[a]);
        for (int b = 0; b < a; b++) {
          Check.apart(op, t[a], t[b]);
        }
      }
    }
  }

  @Override
  public void sgdStep(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    String op = "sgdStep";
    Check.same(op, w, g, v);
    Check.apart(op, w, g);
    Check.apart(op, w, v);
    Check.apart(op, v, g);
    kernels.sgdStep(w, g, v, rate, momentum, decay, nesterov);
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
    optimizer("adamStep", w, g, m, v);
    kernels.adamStep(w, g, m, v, rate, beta1, beta2, epsilon, decay, step);
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
    optimizer("rmsPropStep", w, g, s, v);
    kernels.rmsPropStep(w, g, s, v, rate, rho, momentum, epsilon, decay);
  }

  private static void optimizer(String op, Tensor w, Tensor g, Tensor first, Tensor second) {
    Check.same(op, w, g, first, second);
    Check.apart(op, w, g);
    Check.apart(op, w, first);
    Check.apart(op, w, second);
    Check.apart(op, first, g);
    Check.apart(op, second, g);
    Check.apart(op, first, second);
  }

  @Override
  public void close() {
    kernels.close();
  }
}
