package dev.sextant.tensor.internal.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The oracle's backward kernels against central differences of its forward kernels. */
class ReferenceGradientTest {
  /** A power of two: adding it to values near 1 rounds little in float. */
  private static final float STEP = 1f / 128;

  private static final List<Window> WINDOWS =
      List.of(
          Window.POINTWISE,
          Window.same(3, 1),
          Window.same(3, 2),
          Window.same(3, 2, 2),
          new Window(2, 2, 0, 1),
          new Window(3, 3, 2, 1));

  private final Backend backend = new ReferenceBackend();
  private final Rng rng = new Rng(17);
  private Memory.Scope scope;

  @BeforeEach
  void openScope() {
    scope = backend.memory().scope();
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, backend.memory().current());
    backend.close();
  }

  private Tensor random(Shape shape) {
    Tensor tensor = empty(shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.floats()[tensor.offset() + i] = (float) rng.uniform(-1, 1);
    }
    return tensor;
  }

  private Tensor empty(Shape shape) {
    return backend.memory().floats(shape, Memory.Category.DATA, "test");
  }

  /** Every element of a gradient against (loss(x + h) - loss(x - h)) / 2h. */
  private static void assertGradient(
      Tensor x, Tensor gradient, double tolerance, DoubleSupplier loss) {
    for (int i = 0; i < x.size(); i++) {
      int at = x.offset() + i;
      float original = x.floats()[at];
      x.floats()[at] = original + STEP;
      double up = loss.getAsDouble();
      x.floats()[at] = original - STEP;
      double down = loss.getAsDouble();
      double distance = (double) (original + STEP) - (original - STEP);
      x.floats()[at] = original;
      assertEquals(
          (up - down) / distance, gradient.floats()[gradient.offset() + i], tolerance, "at " + i);
    }
  }

  @Test
  void denseConvolution() {
    for (Window window : WINDOWS) {
      Tensor x = random(Shape.of(2, 5, 4, 3));
      Tensor w = random(Shape.of(window.kernel(), window.kernel(), 3, 2));
      Tensor dy = random(window.output(x.shape(), 2));
      Tensor out = empty(dy.shape());
      DoubleSupplier loss =
          () -> {
            backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, out);
            return backend.elementwise().dot(out, dy);
          };
      Tensor dx = empty(x.shape());
      Tensor dw = empty(w.shape());
      backend.convolution().backwardData(dy, w, window, dx);
      backend.convolution().backwardFilter(x, dy, window, dw);
      assertGradient(x, dx, 1e-4, loss);
      assertGradient(w, dw, 1e-4, loss);
    }
  }

  @Test
  void depthwiseConvolution() {
    for (Window window : WINDOWS) {
      Tensor x = random(Shape.of(2, 5, 4, 3));
      Tensor w = random(Shape.of(window.kernel(), window.kernel(), 3));
      Tensor dy = random(window.output(x.shape(), 3));
      Tensor out = empty(dy.shape());
      DoubleSupplier loss =
          () -> {
            backend.depthwise().forward(x, w, window, null, Activation.IDENTITY, out);
            return backend.elementwise().dot(out, dy);
          };
      Tensor dx = empty(x.shape());
      Tensor dw = empty(w.shape());
      backend.depthwise().backwardData(dy, w, window, dx);
      backend.depthwise().backwardFilter(x, dy, window, dw);
      assertGradient(x, dx, 1e-4, loss);
      assertGradient(w, dw, 1e-4, loss);
    }
  }

  @Test
  void pooling() {
    for (Window window : WINDOWS) {
      Tensor x = random(Shape.of(2, 5, 4, 3));
      // Far apart compared with the step: no maximum changes hands.
      int[] order = new int[x.size()];
      for (int i = 0; i < order.length; i++) {
        order[i] = i;
      }
      rng.shuffle(order);
      for (int i = 0; i < order.length; i++) {
        x.floats()[x.offset() + i] = order[i] / 16f;
      }
      Tensor dy = random(window.output(x.shape(), 3));
      Tensor out = empty(dy.shape());
      Tensor dx = empty(x.shape());
      backend.pooling().maxBackward(x, dy, window, dx);
      assertGradient(
          x,
          dx,
          1e-4,
          () -> {
            backend.pooling().max(x, window, out);
            return backend.elementwise().dot(out, dy);
          });
      backend.pooling().averageBackward(dy, window, dx);
      assertGradient(
          x,
          dx,
          2e-4,
          () -> {
            backend.pooling().average(x, window, out);
            return backend.elementwise().dot(out, dy);
          });
    }
  }

  @Test
  void globalPooling() {
    Tensor x = random(Shape.of(2, 3, 4, 5));
    Tensor dy = random(Shape.of(2, 5));
    Tensor out = empty(dy.shape());
    Tensor dx = empty(x.shape());
    backend.pooling().globalAverageBackward(dy, dx);
    assertGradient(
        x,
        dx,
        1e-4,
        () -> {
          backend.pooling().globalAverage(x, out);
          return backend.elementwise().dot(out, dy);
        });
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activations(Activation activation) {
    // Eighths plus a sixteenth: no kink within a step.
    Tensor x = empty(Shape.of(128));
    for (int i = 0; i < x.size(); i++) {
      x.floats()[x.offset() + i] = (i - 64) / 8f + 1 / 16f;
    }
    Tensor dy = random(x.shape());
    Tensor out = empty(x.shape());
    Tensor dx = empty(x.shape());
    backend.elementwise().activateBackward(x, activation, dy, dx);
    assertGradient(
        x,
        dx,
        2e-4,
        () -> {
          backend.elementwise().activate(x, activation, out);
          return backend.elementwise().dot(out, dy);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"IDENTITY", "HSWISH", "SIGMOID", "SILU"})
  void batchNormalisation(Activation activation) {
    Tensor z = random(Shape.of(7, 3));
    Tensor mean = empty(Shape.of(3));
    Tensor variance = empty(Shape.of(3));
    Tensor gamma = random(Shape.of(3));
    Tensor beta = random(Shape.of(3));
    Tensor dy = random(z.shape());
    Tensor out = empty(z.shape());
    BatchNorm norm = new BatchNorm(mean, variance, gamma, beta, 0.1f, activation);
    DoubleSupplier loss =
        () -> {
          backend.batchNorm().statistics(z, mean, variance);
          backend.batchNorm().apply(z, norm, null, out);
          return backend.elementwise().dot(out, dy);
        };
    loss.getAsDouble();
    Tensor dz = empty(z.shape());
    Tensor dgamma = empty(gamma.shape());
    Tensor dbeta = empty(beta.shape());
    backend.batchNorm().backward(z, norm, dy, dz, dgamma, dbeta);
    assertGradient(z, dz, 1e-3, loss);
    assertGradient(gamma, dgamma, 1e-3, loss);
    assertGradient(beta, dbeta, 1e-3, loss);
  }

  @Test
  void crossEntropy() {
    Tensor logits = random(Shape.of(4, 5));
    Tensor labels =
        backend.memory().ints(Shape.of(4), Memory.Category.DATA, "labels").set(0, 4, 2, 2);
    for (float smoothing : new float[] {0, 0.1f}) {
      Tensor gradient = empty(logits.shape());
      backend.loss().softmaxCrossEntropy(logits, labels, smoothing, gradient);
      assertGradient(
          logits,
          gradient,
          1e-5,
          () -> backend.loss().softmaxCrossEntropy(logits, labels, smoothing, null));
    }
  }
}
