package dev.sextant.runtime.dag;

import dev.sextant.runtime.graph.LayerKernel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What networks from elsewhere do and no layer of this library does; on the CPU, without gradients.
 */
public sealed interface GraphKernel extends LayerKernel {

  /**
   * Adds rows and columns of one value around an image, or takes some away.
   *
   * @param top rows before the first; below 0 so many are taken away, as for the others
   * @param left columns before the first
   * @param bottom rows behind the last
   * @param right columns behind the last
   * @param value of the added pixels
   */
  record Pad(int top, int left, int bottom, int right, float value) implements GraphKernel {
    private static final int MOST = 4096;

    /** Checks the ranges. */
    public Pad {
      for (int side : new int[] {top, left, bottom, right}) {
        if (Math.abs(side) > MOST) {
          throw new SextantException(
              String.format(Locale.ROOT, "pad: %d is not between -%d and %2$d", side, MOST));
        }
      }
      if (Float.isNaN(value)) {
        throw new SextantException("pad: with NaN");
      }
    }

    @Override
    public String name() {
      return "pad";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      Shape x = image(inputs, "pad");
      int height = x.get(1) + top + bottom;
      int width = x.get(2) + left + right;
      if (height < 1 || width < 1) {
        throw new SextantException("pad: nothing is left of " + x);
      }
      return Shape.of(x.get(0), height, width, x.channels());
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      Tensor x = operands.getFirst();
      int channels = x.shape().channels();
      int height = x.shape().get(1);
      int width = x.shape().get(2);
      int rows = y.shape().get(1);
      int columns = y.shape().get(2);
      int first = Math.max(left, 0);
      int last = Math.min(columns, width + left);
      float[] to = y.floats();
      int at = y.offset();
      for (int image = 0; image < y.shape().get(0); image++) {
        for (int row = 0; row < rows; row++) {
          int from = row - top;
          int end = at + columns * channels;
          if (from < 0 || from >= height || last <= first) {
            Arrays.fill(to, at, end, value);
          } else {
            Arrays.fill(to, at, at + first * channels, value);
            System.arraycopy(
                x.floats(),
                x.offset() + ((image * height + from) * width + first - left) * channels,
                to,
                at + first * channels,
                (last - first) * channels);
            Arrays.fill(to, at + last * channels, end, value);
          }
          at = end;
        }
      }
    }
  }

  /** The product of two values of one shape. */
  record Multiply() implements GraphKernel {
    @Override
    public String name() {
      return "multiply";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      if (inputs.size() != 2 || !inputs.getFirst().equals(inputs.getLast())) {
        throw new SextantException("multiply: " + inputs + " are not two of one shape");
      }
      return inputs.getFirst();
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      backend.elementwise().multiply(operands.get(0), operands.get(1), y);
    }
  }

  /**
   * y = min(max(alpha x + beta, 0), 1).
   *
   * @param alpha the slope
   * @param beta the value at 0
   */
  record HardSigmoid(float alpha, float beta) implements GraphKernel {
    @Override
    public String name() {
      return "hard-sigmoid";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      return inputs.getFirst();
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      Tensor x = operands.getFirst();
      float[] from = x.floats();
      float[] to = y.floats();
      int shift = x.offset() - y.offset();
      for (int i = y.offset(); i < y.offset() + y.size(); i++) {
        to[i] = Math.min(Math.max(alpha * from[i + shift] + beta, 0), 1);
      }
    }
  }

  /**
   * y = x where x is above 0, slope x elsewhere.
   *
   * @param slope below 0
   */
  record LeakyRelu(float slope) implements GraphKernel {
    @Override
    public String name() {
      return "leaky-relu";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      return inputs.getFirst();
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      Tensor x = operands.getFirst();
      float[] from = x.floats();
      float[] to = y.floats();
      int shift = x.offset() - y.offset();
      for (int i = y.offset(); i < y.offset() + y.size(); i++) {
        float value = from[i + shift];
        to[i] = value > 0 ? value : slope * value;
      }
    }
  }

  /** An image {@code [N, H, W, C]} as the vector {@code [N, H W C]} of the same numbers. */
  record Flatten() implements GraphKernel {
    @Override
    public String name() {
      return "flatten";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      Shape x = image(inputs, "flatten");
      return Shape.of(x.get(0), x.size() / x.get(0));
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      Tensor x = operands.getFirst();
      System.arraycopy(x.floats(), x.offset(), y.floats(), y.offset(), y.size());
    }
  }

  /** exp(x) over its sum along the channels. */
  record Softmax() implements GraphKernel {
    @Override
    public String name() {
      return "softmax";
    }

    @Override
    public Shape output(List<Shape> inputs) {
      return inputs.getFirst();
    }

    @Override
    public void forward(Backend backend, List<Tensor> operands, Tensor y) {
      Tensor x = operands.getFirst();
      int channels = x.shape().channels();
      for (int row = 0; row < y.size(); row += channels) {
        float most = Float.NEGATIVE_INFINITY;
        for (int c = 0; c < channels; c++) {
          most = Math.max(most, x.floats()[x.offset() + row + c]);
        }
        double sum = 0;
        for (int c = 0; c < channels; c++) {
          double e = Math.exp(x.floats()[x.offset() + row + c] - most);
          y.floats()[y.offset() + row + c] = (float) e;
          sum += e;
        }
        for (int c = 0; c < channels; c++) {
          y.floats()[y.offset() + row + c] /= (float) sum;
        }
      }
    }
  }

  private static Shape image(List<Shape> inputs, String name) {
    Shape x = inputs.getFirst();
    if (x.rank() != 4) {
      throw new SextantException(name + ": " + x + " is no image [N,H,W,C]");
    }
    return x;
  }
}
