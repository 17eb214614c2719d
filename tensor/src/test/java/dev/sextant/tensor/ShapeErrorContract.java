package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/**
 * Wrong shapes, and outputs that share elements with inputs: a {@link SextantException} that names
 * the operation and the shapes.
 */
interface ShapeErrorContract extends ContractSubject {
  private void refuses(Runnable call, String... parts) {
    String message = assertThrows(SextantException.class, call::run).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), () -> "'" + part + "' is not in: " + message);
    }
  }

  private Tensor floats(int... extents) {
    return backend().memory().floats(Shape.of(extents), Memory.Category.DATA, "wrong");
  }

  @Test
  default void elementwiseShapesDiffer() {
    Backend b = backend();
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor x = floats(2, 3);
      Tensor y = floats(3, 2);
      refuses(() -> b.elementwise().copy(x, y), "copy:", "[2,3]", "[3,2]");
      refuses(() -> b.elementwise().axpy(1, x, y), "axpy:", "[2,3]", "[3,2]");
      refuses(() -> b.elementwise().scale(x, 1, y), "scale:", "[2,3]", "[3,2]");
      refuses(() -> b.elementwise().add(x, y, x), "add:", "[2,3]", "[3,2]");
      refuses(() -> b.elementwise().multiply(x, x, y), "multiply:", "[2,3]", "[3,2]");
      refuses(() -> b.elementwise().activate(x, Activation.RELU, y), "activate:", "[2,3]", "[3,2]");
      refuses(
          () -> b.elementwise().activateBackward(x, Activation.RELU, y, x),
          "activateBackward:",
          "[2,3]",
          "[3,2]");
      refuses(() -> b.elementwise().dot(x, y), "dot:", "[2,3]", "[3,2]");
      refuses(() -> b.optimizer().sgd(x, y, x, 1, 0, 0, false), "sgdStep:", "[2,3]", "[3,2]");
      refuses(
          () -> b.optimizer().adam(x, x, y, x, 1, 0, 0, 1, 0, 1), "adamStep:", "[2,3]", "[3,2]");
      refuses(
          () -> b.optimizer().rmsProp(x, x, x, y, 1, 0, 0, 1, 0), "rmsPropStep:", "[2,3]", "[3,2]");
    }
  }

  @Test
  default void channelsDiffer() {
    Backend b = backend();
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor x = floats(2, 3, 4, 5);
      Tensor vector = floats(4);
      Tensor perImage = floats(2, 4);
      refuses(() -> b.channels().addBias(x, vector, x), "addBias:", "[2,3,4,5]", "[4]");
      refuses(() -> b.channels().sum(x, vector), "channelSum:", "[2,3,4,5]", "[4]");
      refuses(
          () -> b.channels().scale(x, perImage, x),
          "scaleChannels:",
          "[2,3,4,5]",
          "[2,5]",
          "[2,4]");
      refuses(() -> b.channels().dot(x, x, perImage), "channelDot:", "[2,3,4,5]", "[2,4]");
      refuses(() -> b.pooling().globalAverage(x, perImage), "globalAvgPool:", "[2,3,4,5]", "[2,4]");
      refuses(
          () -> b.pooling().globalAverageBackward(perImage, x),
          "globalAvgPoolBackward:",
          "[2,3,4,5]",
          "[2,4]");
      refuses(
          () -> b.channels().copy(x, 3, x, 0, 3),
          "copyChannels:",
          "3 channels from 3",
          "[2,3,4,5]");
      refuses(() -> b.channels().copy(x, 0, perImage, 0, 1), "copyChannels:", "[2,3,4,5]", "[2,4]");
      refuses(
          () -> b.batchNorm().statistics(x, vector, vector),
          "batchNormStatistics:",
          "[2,3,4,5]",
          "[4]");
      BatchNorm norm = new BatchNorm(vector, vector, vector, vector, 1, Activation.RELU);
      refuses(() -> b.batchNorm().apply(x, norm, null, x), "batchNormApply:", "[2,3,4,5]", "[4]");
      refuses(
          () -> b.batchNorm().backward(x, norm, x, x, vector, vector),
          "batchNormBackward:",
          "[2,3,4,5]",
          "[4]");
      refuses(
          () -> b.batchNorm().innerProduct(x, x, vector, vector, 1, vector),
          "batchNormInnerProduct:",
          "[2,3,4,5]",
          "[4]");
    }
  }

  @Test
  default void matricesDoNotFit() {
    Backend b = backend();
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor x = floats(2, 3);
      Tensor y = floats(4, 5);
      Tensor z = floats(3, 5);
      refuses(() -> b.gemm().multiply(x, false, y, false, x, false), "gemm:", "[2,3]", "[4,5]");
      refuses(() -> b.gemm().multiply(x, false, z, false, y, false), "gemm:", "[2,5]", "[4,5]");
      refuses(() -> b.gemm().multiply(floats(6), false, y, false, x, false), "gemm:", "[6]");
    }
  }

  @Test
  default void convolutionsDoNotFit() {
    Backend b = backend();
    Window window = Window.same(3, 1);
    Activation none = Activation.IDENTITY;
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor x = floats(1, 4, 4, 6);
      Tensor dense = floats(3, 3, 5, 7);
      Tensor depthwise = floats(3, 3, 5);
      Tensor out = floats(1, 4, 4, 7);
      refuses(
          () -> b.convolution().forward(x, dense, window, null, none, null, out),
          "conv2d: input has 6 channels, kernel has 5",
          "[1,4,4,6]",
          "[3,3,5,7]");
      refuses(
          () -> b.convolution().backwardData(out, dense, window, x),
          "conv2dBackwardData:",
          "[1,4,4,6]",
          "[3,3,5,7]");
      refuses(
          () -> b.convolution().backwardFilter(x, out, window, dense),
          "conv2dBackwardFilter:",
          "[1,4,4,6]",
          "[3,3,5,7]");
      refuses(
          () -> b.depthwise().forward(x, depthwise, window, null, none, x),
          "depthwise: input has 6 channels, kernel has 5",
          "[1,4,4,6]",
          "[3,3,5]");
      refuses(
          () -> b.depthwise().backwardData(x, depthwise, window, x),
          "depthwiseBackwardData:",
          "[1,4,4,6]",
          "[3,3,5]");
      refuses(
          () -> b.depthwise().backwardFilter(x, x, window, depthwise),
          "depthwiseBackwardFilter:",
          "[1,4,4,6]",
          "[3,3,5]");
      Tensor fits = floats(3, 3, 6, 7);
      refuses(
          () -> b.convolution().forward(x, fits, Window.same(3, 2), null, none, null, out),
          "conv2d:",
          "[1,2,2,7]",
          "[1,4,4,7]");
      refuses(
          () -> b.convolution().forward(x, fits, window, floats(6), none, null, out),
          "conv2d:",
          "[1,4,4,7]",
          "[6]");
      refuses(
          () -> b.convolution().forward(x, fits, window, null, none, x, out),
          "conv2d:",
          "[1,4,4,6]",
          "[1,4,4,7]");
      refuses(
          () -> b.convolution().forward(x, fits, Window.same(5, 1), null, none, null, out),
          "conv2d:",
          "[3,3,6,7]",
          "5x5");
    }
  }

  @Test
  default void poolingsAndLabelsDoNotFit() {
    Backend b = backend();
    Window window = Window.same(3, 2);
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor x = floats(1, 4, 4, 6);
      refuses(() -> b.pooling().max(x, window, x), "maxPool:", "[1,2,2,6]", "[1,4,4,6]");
      refuses(() -> b.pooling().maxBackward(x, x, window, x), "maxPoolBackward:", "[1,2,2,6]");
      refuses(() -> b.pooling().average(x, window, x), "avgPool:", "[1,2,2,6]", "[1,4,4,6]");
      refuses(() -> b.pooling().averageBackward(x, window, x), "avgPoolBackward:", "[1,2,2,6]");
      refuses(
          () -> b.pooling().average(x, new Window(2, 1, 2, 1), x), "avgPool:", "without a pixel");
      Tensor logits = floats(2, 3);
      Tensor labels = b.memory().ints(Shape.of(3), Memory.Category.DATA, "labels");
      refuses(
          () -> b.loss().softmaxCrossEntropy(logits, labels, 0, null),
          "softmaxCrossEntropy:",
          "[2]",
          "[3]");
      refuses(() -> b.loss().countCorrect(logits, labels), "countCorrect:", "[2]", "[3]");
    }
  }

  @Test
  default void outputsOverlapInputs() {
    Backend b = backend();
    Window window = Window.same(3, 1);
    Activation none = Activation.IDENTITY;
    String apart = "output may not share elements with an input";
    try (Memory.Scope _ = b.memory().scope()) {
      Tensor square = floats(4, 4);
      Tensor other = floats(4, 4);
      refuses(
          () -> b.gemm().multiply(square, false, other, false, square, false),
          "gemm: " + apart,
          "[4,4]");
      refuses(() -> b.gemm().multiply(other, false, square, false, square, true), "gemm: " + apart);
      refuses(() -> b.optimizer().sgd(square, square, other, 1, 0, 0, false), "sgdStep: " + apart);
      refuses(
          () -> b.optimizer().adam(square, other, floats(4, 4), other, 1, 0, 0, 1, 0, 1),
          "adamStep: " + apart);
      refuses(() -> b.channels().copy(square, 0, square.share(), 2, 2), "copyChannels: " + apart);
      Tensor x = floats(1, 4, 4, 4);
      Tensor out = floats(1, 4, 4, 4);
      Tensor dense = floats(3, 3, 4, 4);
      Tensor kernel = floats(3, 3, 4);
      refuses(
          () -> b.convolution().forward(x, dense, window, null, none, null, x), "conv2d: " + apart);
      refuses(
          () -> b.convolution().forward(x, dense, window, null, none, out, out),
          "conv2d: " + apart);
      refuses(
          () -> b.convolution().backwardData(x, dense, window, x), "conv2dBackwardData: " + apart);
      refuses(() -> b.depthwise().forward(x, kernel, window, null, none, x), "depthwise: " + apart);
      refuses(() -> b.pooling().max(x, window, x), "maxPool: " + apart);
      refuses(() -> b.pooling().averageBackward(x, window, x), "avgPoolBackward: " + apart);
      Tensor vector = floats(4);
      BatchNorm norm = new BatchNorm(vector, vector, vector, vector, 1, none);
      refuses(
          () -> b.batchNorm().backward(x, norm, out, x, floats(4), floats(4)),
          "batchNormBackward: " + apart);
      refuses(
          () -> b.batchNorm().backward(x, norm, out, out, vector, floats(4)),
          "batchNormBackward: " + apart);
      // An input itself may be the output, but not a part of it.
      String inPart = "output may be an input, but not overlap it in part";
      Tensor rows = floats(3, 2);
      Tensor upper = rows.slice(0, 2);
      Tensor lower = rows.slice(1, 3);
      refuses(() -> b.elementwise().add(upper, upper, lower), "add: " + inPart, "[2,2]");
      refuses(() -> b.elementwise().copy(lower, upper), "copy: " + inPart);
      b.elementwise().copy(rows.slice(0, 1), rows.slice(1, 2));
      b.elementwise().copy(rows, rows.share());
    }
  }
}
