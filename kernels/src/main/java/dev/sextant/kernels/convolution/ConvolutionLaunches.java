package dev.sextant.kernels.convolution;

import dev.sextant.kernels.channels.ChannelLaunches;
import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Driver.Direction;
import dev.sextant.kernels.driver.Driver.Matrix;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.ConvolutionRules;
import dev.sextant.tensor.family.Elementwise;
import org.jspecify.annotations.Nullable;

/** {@link Convolution} on a device: one GEMM where it is pointwise, cuDNN elsewhere. */
public final class ConvolutionLaunches implements Convolution {
  private final Kernels kernels;
  private final ChannelLaunches channels;
  private final Elementwise elements;

  /** Kernels that are loaded there. */
  public ConvolutionLaunches(Kernels kernels, ChannelLaunches channels, Elementwise elements) {
    this.kernels = kernels;
    this.channels = channels;
    this.elements = elements;
  }

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
    if (out.size() == 0) {
      return;
    }
    if (x.size() == 0) {
      elements.fill(out, 0);
    } else if (window.isPointwise()) {
      kernels.driver().gemm(pixels(x), false, matrix(w), false, pixels(out), inputs(w), false);
    } else {
      try (Tensor filters = transposed(w, outputs(w))) {
        convolve(shape(x, w, window, out), Direction.FORWARD, x, filters, out);
      }
    }
    if (bias != null || residual != null || activation != Activation.IDENTITY) {
      channels.bias(out, bias, activation, residual, out);
    }
  }

  @Override
  public void backwardData(Tensor dy, Tensor w, Window window, Tensor dx) {
    ConvolutionRules.backwardData(dy, w, window, dx);
    if (dx.size() == 0) {
      return;
    }
    if (dy.size() == 0) {
      elements.fill(dx, 0);
    } else if (window.isPointwise()) {
      kernels.driver().gemm(pixels(dy), false, matrix(w), true, pixels(dx), outputs(w), false);
    } else {
      try (Tensor filters = transposed(w, outputs(w))) {
        convolve(shape(dx, w, window, dy), Direction.BACKWARD_DATA, dy, filters, dx);
      }
    }
  }

  @Override
  public void backwardFilter(Tensor x, Tensor dy, Window window, Tensor dw) {
    ConvolutionRules.backwardFilter(x, dy, window, dw);
    if (dw.size() == 0) {
      return;
    }
    if (x.size() == 0 || dy.size() == 0) {
      elements.fill(dw, 0);
    } else if (window.isPointwise()) {
      int rows = x.shape().rows();
      kernels.driver().gemm(pixels(x), true, pixels(dy), false, matrix(dw), rows, false);
    } else {
      try (Tensor filters = kernels.workspace(dw.size(), "filter gradients")) {
        convolve(shape(x, dw, window, dy), Direction.BACKWARD_FILTER, x, dy, filters);
        transpose(filters, outputs(dw), dw);
      }
    }
  }

  /** Scratch comes from the pool: it counts, and a step that asks for it again gets it again. */
  private void convolve(
      Driver.Convolution shape, Direction direction, Tensor a, Tensor b, Tensor out) {
    long bytes = kernels.driver().convolutionWorkspace(shape, direction);
    if (bytes == 0) {
      kernels.driver().convolution(shape, direction, address(a), address(b), address(out), 0);
      return;
    }
    int floats = Math.toIntExact((bytes + 3) / 4);
    try (Tensor scratch = kernels.workspace(floats, "convolution")) {
      kernels
          .driver()
          .convolution(shape, direction, address(a), address(b), address(out), address(scratch));
    }
  }

  private static long address(Tensor tensor) {
    return DeviceStorage.address(tensor);
  }

  private static int inputs(Tensor w) {
    return w.shape().get(2);
  }

  private static int outputs(Tensor w) {
    return w.shape().get(3);
  }

  private static Matrix pixels(Tensor image) {
    return new Matrix(address(image), image.shape().rows(), image.shape().channels());
  }

  private static Matrix matrix(Tensor w) {
    return new Matrix(address(w), inputs(w), outputs(w));
  }

  private static Driver.Convolution shape(Tensor x, Tensor w, Window window, Tensor out) {
    Shape in = x.shape();
    return new Driver.Convolution(
        in.get(0),
        in.get(1),
        in.get(2),
        in.get(3),
        out.shape().get(1),
        out.shape().get(2),
        outputs(w),
        window.kernel(),
        window.stride(),
        window.padding(),
        window.dilation());
  }

  /** A kernel {@code [k, k, Cin, Cout]} as cuDNN's filters {@code [Cout, k, k, Cin]}. */
  private Tensor transposed(Tensor w, int outputs) {
    Tensor filters = kernels.workspace(w.size(), "filters");
    transpose(w, w.size() / outputs, filters);
    return filters;
  }

  private void transpose(Tensor x, int rows, Tensor out) {
    int size = x.size();
    int block = Math.min(KernelSource.THREADS, size);
    Kernels.arguments(kernels.of(new Transpose()), x, out)
        .integer(rows)
        .integer(size / rows)
        .integer(size)
        .grid(Kernels.ceil(size, block), 1, 1)
        .block(block, 1)
        .run();
  }
}
