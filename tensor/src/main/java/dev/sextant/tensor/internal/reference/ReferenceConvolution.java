package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.ConvolutionRules;
import org.jspecify.annotations.Nullable;

/** Dense and depthwise convolutions and their gradients; shapes are already checked. */
final class ReferenceConvolution implements Convolution {
  @Override
  public void forward(
      Tensor x,
      Tensor w,
      Window window,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    ConvolutionRules.forward(x, w, window, bias, residual, out);
    double[] xs = read(x);
    double[] ws = read(w);
    double[] sums = new double[out.size()];
    int inputs = w.shape().get(2);
    int outputs = w.shape().get(3);
    Taps.forEach(
        x.shape(),
        out.shape(),
        window,
        (tap, from, to) -> {
          for (int i = 0; i < inputs; i++) {
            for (int o = 0; o < outputs; o++) {
              sums[to * outputs + o] +=
                  xs[from * inputs + i] * ws[(tap * inputs + i) * outputs + o];
            }
          }
        });
    finish(sums, bias, activation, residual);
    write(sums, out);
  }

  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    ConvolutionRules.backwardData(dy, w, window, dx);
    double[] dys = read(dy);
    double[] ws = read(w);
    double[] dxs = new double[dx.size()];
    int inputs = w.shape().get(2);
    int outputs = w.shape().get(3);
    Taps.forEach(
        dx.shape(),
        dy.shape(),
        window,
        (tap, to, from) -> {
          for (int i = 0; i < inputs; i++) {
            for (int o = 0; o < outputs; o++) {
              dxs[to * inputs + i] +=
                  dys[from * outputs + o] * ws[(tap * inputs + i) * outputs + o];
            }
          }
        });
    write(dxs, dx);
  }

  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    ConvolutionRules.backwardFilter(x, dy, window, dw);
    double[] xs = read(x);
    double[] dys = read(dy);
    double[] dws = new double[dw.size()];
    int inputs = dw.shape().get(2);
    int outputs = dw.shape().get(3);
    Taps.forEach(
        x.shape(),
        dy.shape(),
        window,
        (tap, in, out) -> {
          for (int i = 0; i < inputs; i++) {
            for (int o = 0; o < outputs; o++) {
              dws[(tap * inputs + i) * outputs + o] += xs[in * inputs + i] * dys[out * outputs + o];
            }
          }
        });
    write(dws, dw);
  }

  /** sums = activation(sums + bias) + residual. */
  static void finish(
      double[] sums, @Nullable Tensor bias, Activation activation, @Nullable Tensor residual) {
    double[] biases = bias == null ? null : read(bias);
    double[] residuals = residual == null ? null : read(residual);
    for (int i = 0; i < sums.length; i++) {
      double biased = sums[i] + (biases == null ? 0 : biases[i % biases.length]);
      sums[i] = activation.apply(biased) + (residuals == null ? 0 : residuals[i]);
    }
  }
}
