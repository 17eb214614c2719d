package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.ChannelRules;
import dev.sextant.tensor.family.Channels;

/** {@link Channels} in double. */
final class ReferenceChannels implements Channels {
  @Override
  public void addBias(Tensor x, Tensor bias, Tensor out) {
    ChannelRules.addBias(x, bias, out);
    double[] values = read(x);
    double[] biases = read(bias);
    for (int i = 0; i < values.length; i++) {
      values[i] += biases[i % biases.length];
    }
    write(values, out);
  }

  @Override
  public void sum(Tensor x, Tensor out) {
    ChannelRules.sum(x, out);
    double[] values = read(x);
    double[] sums = new double[out.size()];
    for (int i = 0; i < values.length; i++) {
      sums[i % sums.length] += values[i];
    }
    write(sums, out);
  }

  @Override
  public void scale(Tensor x, Tensor s, Tensor out) {
    ChannelRules.scale(x, s, out);
    double[] values = read(x);
    double[] factors = read(s);
    for (int i = 0; i < values.length; i++) {
      values[i] *= factors[imageChannel(x.shape(), i)];
    }
    write(values, out);
  }

  @Override
  public void dot(Tensor a, Tensor b, Tensor out) {
    ChannelRules.dot(a, b, out);
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
  public void copy(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    ChannelRules.copy(from, fromChannel, to, toChannel, count);
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
}
