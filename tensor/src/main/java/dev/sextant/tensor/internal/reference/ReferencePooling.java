package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.PoolingRules;
import java.util.Arrays;

/**
 * Poolings and their gradients; shapes are already checked. A dilated window whose taps all fall
 * outside the image gives 0 and passes no gradient.
 */
final class ReferencePooling implements Pooling {
  @Override
  public void max(Tensor x, Window window, Tensor out) {
    PoolingRules.max(x, window, out);
    double[] xs = read(x);
    int[] winners = winners(xs, x.shape(), out.shape(), window);
    double[] outs = new double[winners.length];
    for (int i = 0; i < winners.length; i++) {
      outs[i] = winners[i] < 0 ? 0 : xs[winners[i]];
    }
    write(outs, out);
  }

  @Override
  public void maxBackward(Tensor x, Tensor dy, Window window, Tensor dx) {
    PoolingRules.maxBackward(x, dy, window, dx);
    double[] dys = read(dy);
    int[] winners = winners(read(x), x.shape(), dy.shape(), window);
    double[] dxs = new double[dx.size()];
    for (int i = 0; i < winners.length; i++) {
      if (winners[i] >= 0) {
        dxs[winners[i]] += dys[i];
      }
    }
    write(dxs, dx);
  }

  /** For each output element the index of the first maximum of its window, or -1; NaN wins. */
  private static int[] winners(double[] xs, Shape image, Shape output, Window window) {
    int channels = image.get(3);
    int[] winners = new int[output.size()];
    Arrays.fill(winners, -1);
    Taps.forEach(
        image,
        output,
        window,
        (tap, in, out) -> {
          for (int c = 0; c < channels; c++) {
            int winner = winners[out * channels + c];
            double candidate = xs[in * channels + c];
            if (winner < 0
                || candidate > xs[winner]
                || (Double.isNaN(candidate) && !Double.isNaN(xs[winner]))) {
              winners[out * channels + c] = in * channels + c;
            }
          }
        });
    return winners;
  }

  @Override
  public void average(Tensor x, Window window, Tensor out) {
    PoolingRules.average(x, window, out);
    double[] xs = read(x);
    double[] outs = new double[out.size()];
    int[] pixels = pixels(x.shape(), out.shape(), window);
    int channels = x.shape().get(3);
    Taps.forEach(
        x.shape(),
        out.shape(),
        window,
        (tap, from, to) -> {
          for (int c = 0; c < channels; c++) {
            outs[to * channels + c] += xs[from * channels + c] / pixels[to];
          }
        });
    write(outs, out);
  }

  @Override
  public void averageBackward(Tensor dy, Window window, Tensor dx) {
    PoolingRules.averageBackward(dy, window, dx);
    double[] dys = read(dy);
    double[] dxs = new double[dx.size()];
    int[] pixels = pixels(dx.shape(), dy.shape(), window);
    int channels = dx.shape().get(3);
    Taps.forEach(
        dx.shape(),
        dy.shape(),
        window,
        (tap, to, from) -> {
          for (int c = 0; c < channels; c++) {
            dxs[to * channels + c] += dys[from * channels + c] / pixels[from];
          }
        });
    write(dxs, dx);
  }

  /** How many pixels of the image each window covers. */
  private static int[] pixels(Shape image, Shape output, Window window) {
    int[] pixels = new int[output.get(0) * output.get(1) * output.get(2)];
    Taps.forEach(image, output, window, (tap, in, out) -> pixels[out]++);
    return pixels;
  }

  @Override
  public void globalAverage(Tensor x, Tensor out) {
    PoolingRules.globalAverage(x, out);
    double[] xs = read(x);
    double[] outs = new double[out.size()];
    int channels = x.shape().get(3);
    int pixels = x.shape().get(1) * x.shape().get(2);
    for (int i = 0; i < xs.length; i++) {
      int image = i / (pixels * channels);
      outs[image * channels + i % channels] += xs[i] / pixels;
    }
    write(outs, out);
  }

  @Override
  public void globalAverageBackward(Tensor dy, Tensor dx) {
    PoolingRules.globalAverageBackward(dy, dx);
    double[] dys = read(dy);
    double[] dxs = new double[dx.size()];
    int channels = dx.shape().get(3);
    int pixels = dx.shape().get(1) * dx.shape().get(2);
    for (int i = 0; i < dxs.length; i++) {
      int image = i / (pixels * channels);
      dxs[i] = dys[image * channels + i % channels] / pixels;
    }
    write(dxs, dx);
  }
}
