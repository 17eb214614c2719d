package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.DepthwiseRules;
import org.jspecify.annotations.Nullable;

/** Depthwise convolution: sums over taps in double. */
final class ReferenceDepthwise implements Depthwise {

  @Override
  public void forward(
      Tensor x, Tensor w, Window window, @Nullable Tensor bias, Activation activation, Tensor out) {
    DepthwiseRules.forward(x, w, window, bias, out);
    double[] xs = read(x);
    double[] ws = read(w);
    double[] sums = new double[out.size()];
    int channels = w.shape().get(2);
    Taps.forEach(
        x.shape(),
        out.shape(),
        window,
        (tap, from, to) -> {
          for (int c = 0; c < channels; c++) {
            sums[to * channels + c] += xs[from * channels + c] * ws[tap * channels + c];
          }
        });
    ReferenceConvolution.finish(sums, bias, activation, null);
    write(sums, out);
  }

  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    DepthwiseRules.backwardData(dy, w, window, dx);
    double[] dys = read(dy);
    double[] ws = read(w);
    double[] dxs = new double[dx.size()];
    int channels = w.shape().get(2);
    Taps.forEach(
        dx.shape(),
        dy.shape(),
        window,
        (tap, to, from) -> {
          for (int c = 0; c < channels; c++) {
            dxs[to * channels + c] += dys[from * channels + c] * ws[tap * channels + c];
          }
        });
    write(dxs, dx);
  }

  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    DepthwiseRules.backwardFilter(x, dy, window, dw);
    double[] xs = read(x);
    double[] dys = read(dy);
    double[] dws = new double[dw.size()];
    int channels = dw.shape().get(2);
    Taps.forEach(
        x.shape(),
        dy.shape(),
        window,
        (tap, in, out) -> {
          for (int c = 0; c < channels; c++) {
            dws[tap * channels + c] += xs[in * channels + c] * dys[out * channels + c];
          }
        });
    write(dws, dw);
  }
}
