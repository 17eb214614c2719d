package dev.sextant.tensor.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The oracle itself, against numbers worked out by hand. */
class ReferenceBackendTest {
  private final Backend backend = new ReferenceBackend();
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

  private Tensor tensor(Shape shape, float... values) {
    return empty(shape).set(values);
  }

  private Tensor empty(Shape shape) {
    return backend.memory().floats(shape, Memory.Category.DATA, "test");
  }

  private Tensor labels(int... values) {
    return backend
        .memory()
        .ints(Shape.of(values.length), Memory.Category.DATA, "labels")
        .set(values);
  }

  private static void assertValues(Tensor tensor, double tolerance, double... expected) {
    float[] rounded = new float[expected.length];
    for (int i = 0; i < expected.length; i++) {
      rounded[i] = (float) expected[i];
    }
    assertArrayEquals(rounded, tensor.toArray(), (float) tolerance);
  }

  @Test
  void elementwise() {
    Tensor x = tensor(Shape.of(3), 1, -2, 3);
    Tensor y = tensor(Shape.of(3), 4, 5, -6);
    Tensor out = empty(Shape.of(3));
    backend.elementwise().add(x, y, out);
    assertValues(out, 0, 5, 3, -3);
    backend.elementwise().multiply(x, y, out);
    assertValues(out, 0, 4, -10, -18);
    backend.elementwise().scale(x, -2, out);
    assertValues(out, 0, -2, 4, -6);
    backend.elementwise().axpy(2, x, y);
    assertValues(y, 0, 6, 1, 0);
    backend.elementwise().copy(x, out);
    assertValues(out, 0, 1, -2, 3);
    backend.elementwise().fill(out, 7);
    assertValues(out, 0, 7, 7, 7);
    assertEquals(2, backend.elementwise().sum(x));
    assertEquals(4, backend.elementwise().dot(x, y));
  }

  @Test
  void activations() {
    Tensor x = tensor(Shape.of(5), -4, -1, 1, 3, 8);
    Tensor one = tensor(Shape.of(5), 1, 1, 1, 1, 1);
    Tensor out = empty(Shape.of(5));
    backend.elementwise().activate(x, Activation.RELU, out);
    assertValues(out, 0, 0, 0, 1, 3, 8);
    backend.elementwise().activate(x, Activation.RELU6, out);
    assertValues(out, 0, 0, 0, 1, 3, 6);
    // -1 * 2 / 6, 1 * 4 / 6, 3 * 6 / 6, 8 * 6 / 6
    backend.elementwise().activate(x, Activation.HSWISH, out);
    assertValues(out, 1e-7, 0, -1 / 3.0, 2 / 3.0, 3, 8);
    // 1 / (1 + e^4), ...
    backend.elementwise().activate(x, Activation.SIGMOID, out);
    assertValues(out, 1e-7, 0.01798621, 0.26894142, 0.73105858, 0.95257413, 0.99966465);
    backend.elementwise().activate(x, Activation.HARD_SIGMOID, out);
    assertValues(out, 1e-7, 0, 1 / 3.0, 2 / 3.0, 1, 1);
    backend.elementwise().activate(x, Activation.SILU, out);
    assertValues(out, 1e-6, -0.07194484, -0.26894142, 0.73105858, 2.85772238, 7.9973172);
    backend.elementwise().activateBackward(x, Activation.RELU6, one, out);
    assertValues(out, 0, 0, 0, 1, 1, 0);
    // (2 x + 3) / 6 between -3 and 3
    backend.elementwise().activateBackward(x, Activation.HSWISH, one, out);
    assertValues(out, 1e-7, 0, 1 / 6.0, 5 / 6.0, 1, 1);
    // s (1 - s)
    backend.elementwise().activateBackward(x, Activation.SIGMOID, one, out);
    assertValues(out, 1e-7, 0.01766271, 0.19661193, 0.19661193, 0.04517666, 0.00033524);
    backend.elementwise().activateBackward(x, Activation.HARD_SIGMOID, one, out);
    assertValues(out, 1e-7, 0, 1 / 6.0, 1 / 6.0, 0, 0);
    // s (1 + x (1 - s))
    backend.elementwise().activateBackward(x, Activation.SILU, one, out);
    assertValues(out, 1e-6, -0.05266461, 0.07232949, 0.92767051, 1.08810411, 1.00234654);
  }

  @Test
  void channels() {
    Tensor x = tensor(Shape.of(2, 1, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    Tensor out = empty(x.shape());
    backend.channels().addBias(x, tensor(Shape.of(2), 10, 20), out);
    assertValues(out, 0, 11, 22, 13, 24, 15, 26, 17, 28);
    Tensor sums = empty(Shape.of(2));
    backend.channels().sum(x, sums);
    assertValues(sums, 0, 16, 20);
    backend.channels().scale(x, tensor(Shape.of(2, 2), 1, 2, 3, 4), out);
    assertValues(out, 0, 1, 4, 3, 8, 15, 24, 21, 32);
    Tensor dots = empty(Shape.of(2, 2));
    backend.channels().dot(x, x, dots);
    assertValues(dots, 0, 1 + 9, 4 + 16, 25 + 49, 36 + 64);
    Tensor wide = tensor(Shape.of(2, 1, 2, 3), new float[12]);
    backend.channels().copy(x, 1, wide, 2, 1);
    assertValues(wide, 0, 0, 0, 2, 0, 0, 4, 0, 0, 6, 0, 0, 8);
  }

  @Test
  void gemm() {
    Tensor a = tensor(Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
    Tensor b = tensor(Shape.of(3, 2), 1, 0, 2, 1, 0, 3);
    Tensor c = empty(Shape.of(2, 2));
    backend.gemm().multiply(a, false, b, false, c, false);
    assertValues(c, 0, 5, 11, 14, 23);
    backend.gemm().multiply(a, false, b, false, c, true);
    assertValues(c, 0, 10, 22, 28, 46);
    // Both as stored are the transposes: bᵀ aᵀ = (a b)ᵀ.
    backend.gemm().multiply(b, true, a, true, c, false);
    assertValues(c, 0, 5, 14, 11, 23);
  }

  /**
   * A 3x3 image 1..9 of one channel, a 2x2 kernel [1 2; 3 4] to two channels (the second its
   * negative), no padding: 1+4+12+20 = 37, 2+6+15+24 = 47, 4+10+21+32 = 67, 5+12+24+36 = 77.
   */
  @Test
  void denseConvolution() {
    Window window = new Window(2, 1, 0, 1);
    Tensor x = tensor(Shape.of(1, 3, 3, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9);
    Tensor w = tensor(Shape.of(2, 2, 1, 2), 1, -1, 2, -2, 3, -3, 4, -4);
    Tensor out = empty(Shape.of(1, 2, 2, 2));
    backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, out);
    assertValues(out, 0, 37, -37, 47, -47, 67, -67, 77, -77);

    // Bias -40 and 40, then ReLU, then a residual of ones.
    Tensor bias = tensor(Shape.of(2), -40, 40);
    Tensor ones = tensor(out.shape(), 1, 1, 1, 1, 1, 1, 1, 1);
    backend.convolution().forward(x, w, window, bias, Activation.RELU, ones, out);
    assertValues(out, 0, 1, 4, 8, 1, 28, 1, 38, 1);

    // A gradient of 1 at the first pixel of the first channel paints the kernel onto dx, and the
    // patch [1 2; 4 5] onto dw's first channel.
    Tensor dy = tensor(out.shape(), 1, 0, 0, 0, 0, 0, 0, 0);
    Tensor dx = empty(x.shape());
    backend.convolution().backwardData(dy, w, window, dx);
    assertValues(dx, 0, 1, 2, 0, 3, 4, 0, 0, 0, 0);
    Tensor dw = empty(w.shape());
    backend.convolution().backwardFilter(x, dy, window, dw);
    assertValues(dw, 0, 1, 0, 2, 0, 4, 0, 5, 0);
  }

  /** Two input channels meet in one output channel: pointwise, 1*10 + 2*100 and 3*10 + 4*100. */
  @Test
  void pointwiseConvolution() {
    Tensor x = tensor(Shape.of(1, 1, 2, 2), 1, 2, 3, 4);
    Tensor w = tensor(Shape.of(1, 1, 2, 1), 10, 100);
    Tensor out = empty(Shape.of(1, 1, 2, 1));
    backend.convolution().forward(x, w, Window.POINTWISE, null, Activation.IDENTITY, null, out);
    assertValues(out, 0, 210, 430);
  }

  /**
   * A 3x3 kernel 1..9 with stride 2, padding 2 and dilation 2 on the 5x5 image 1..25: the window at
   * output (0, 0) begins at (-2, -2), so that only taps 5, 6, 8, 9 fall on pixels 1, 3, 11, 13: 5 +
   * 18 + 88 + 117 = 228. The middle one sees pixels 1, 3, 5, 11, 13, 15, 21, 23, 25: 1 + 6 + 15 +
   * 44 + 65 + 90 + 147 + 184 + 225 = 777. A second channel holds zeros.
   */
  @Test
  void depthwiseConvolutionWithStrideAndDilation() {
    Window window = Window.same(3, 2, 2);
    Tensor x = empty(Shape.of(1, 5, 5, 2));
    Tensor w = empty(Shape.of(3, 3, 2));
    float[] image = new float[50];
    for (int i = 0; i < 25; i++) {
      image[2 * i] = i + 1;
    }
    float[] kernel = new float[18];
    for (int i = 0; i < 9; i++) {
      kernel[2 * i] = i + 1;
      kernel[2 * i + 1] = 1;
    }
    x.set(image);
    w.set(kernel);
    Tensor out = empty(Shape.of(1, 3, 3, 2));
    backend.depthwise().forward(x, w, window, null, Activation.IDENTITY, out);
    assertEquals(228, out.toArray()[0]);
    assertEquals(0, out.toArray()[1]);
    assertEquals(777, out.toArray()[8]);
    backend.depthwise().forward(x, w, window, tensor(Shape.of(2), -775, 5), Activation.RELU6, out);
    assertEquals(0, out.toArray()[0]);
    assertEquals(2, out.toArray()[8]);
    assertEquals(5, out.toArray()[9]);

    float[] gradient = new float[18];
    gradient[0] = 1;
    Tensor dy = tensor(out.shape(), gradient);
    Tensor dx = empty(x.shape());
    backend.depthwise().backwardData(dy, w, window, dx);
    float[] expected = new float[50];
    expected[0] = 5;
    expected[2 * 2] = 6;
    expected[2 * 10] = 8;
    expected[2 * 12] = 9;
    assertArrayEquals(expected, dx.toArray());
    Tensor dw = empty(w.shape());
    backend.depthwise().backwardFilter(x, dy, window, dw);
    float[] patch = new float[18];
    patch[2 * 4] = 1;
    patch[2 * 5] = 3;
    patch[2 * 7] = 11;
    patch[2 * 8] = 13;
    assertArrayEquals(patch, dw.toArray());
  }

  /**
   * One channel with rows 1, 3: mean 2, biased variance 1; with epsilon 3 the deviation is 2 and
   * the normalised rows are -1/2 and 1/2; γ = 4, β = 1 gives -1 and 3. The other channel holds 5,
   * 5: variance 0, and β alone remains.
   */
  @Test
  void batchNormalisation() {
    Tensor z = tensor(Shape.of(2, 2), 1, 5, 3, 5);
    Tensor mean = empty(Shape.of(2));
    Tensor variance = empty(Shape.of(2));
    backend.batchNorm().statistics(z, mean, variance);
    assertValues(mean, 0, 2, 5);
    assertValues(variance, 0, 1, 0);
    Tensor gamma = tensor(Shape.of(2), 4, 7);
    Tensor beta = tensor(Shape.of(2), 1, -2);
    Tensor out = empty(z.shape());
    BatchNorm plain = new BatchNorm(mean, variance, gamma, beta, 3, Activation.IDENTITY);
    backend.batchNorm().apply(z, plain, null, out);
    assertValues(out, 1e-6, -1, -2, 3, -2);
    BatchNorm relu = new BatchNorm(mean, variance, gamma, beta, 3, Activation.RELU);
    backend.batchNorm().apply(z, relu, tensor(z.shape(), 10, 20, 30, 40), out);
    assertValues(out, 1e-6, 10, 20, 33, 40);

    // First channel with dy = 1, 3: dβ = 4, dγ = -1/2 + 3/2 = 1, mean(g) = 2, mean(gẑ) = 1/2, and
    // dz = 4/2 (1 - 2 + 1/4) = -3/2 and 4/2 (3 - 2 - 1/4) = 3/2.
    Tensor dy = tensor(z.shape(), 1, 1, 3, 1);
    Tensor dgamma = empty(Shape.of(2));
    Tensor dbeta = empty(Shape.of(2));
    backend.batchNorm().backward(z, plain, dy, out, dgamma, dbeta);
    assertValues(dgamma, 1e-6, 1, 0);
    assertValues(dbeta, 1e-6, 4, 2);
    assertValues(out, 1e-6, -1.5, 0, 1.5, 0);
    // ReLU stops the gradient of the first row (-1): g = 0, 3, dβ = 3, dγ = 3/2.
    backend.batchNorm().backward(z, relu, dy, out, dgamma, dbeta);
    assertValues(dgamma, 1e-6, 1.5, 0);
    assertValues(dbeta, 1e-6, 3, 0);
    // 1 * -1 + 3 * 3 + 1 * -2 + 1 * -2
    assertEquals(4, backend.batchNorm().innerProduct(z, dy, gamma, beta, 3, mean), 1e-6);
  }

  /**
   * A 2x2 image 1 2 / 3 4 under a 3x3 window with stride 2 and padding 1: one output, which sees
   * all four pixels. With stride 1 each of four outputs sees all four as well; the average counts
   * 4, not 9. On the 3x3 image 1..9 with stride 2, the corner (0, 0) sees 1 2 4 5.
   */
  @Test
  void pooling() {
    Window window = Window.same(3, 2);
    Tensor x = tensor(Shape.of(1, 3, 3, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9);
    Tensor out = empty(Shape.of(1, 2, 2, 1));
    backend.pooling().average(x, window, out);
    assertValues(out, 0, 3, 4, 6, 7);
    backend.pooling().max(x, window, out);
    assertValues(out, 0, 5, 6, 8, 9);
    Tensor dy = tensor(out.shape(), 4, 8, 12, 16);
    Tensor dx = empty(x.shape());
    backend.pooling().maxBackward(x, dy, window, dx);
    assertValues(dx, 0, 0, 0, 0, 0, 4, 8, 0, 12, 16);
    // Each output gives a quarter to each of its four pixels; the middle one gets 1 + 2 + 3 + 4.
    backend.pooling().averageBackward(dy, window, dx);
    assertValues(dx, 0, 1, 3, 2, 4, 10, 6, 3, 7, 4);

    Tensor negative = tensor(Shape.of(1, 2, 2, 1), -1, -2, -3, -4);
    Tensor single = empty(Shape.of(1, 1, 1, 1));
    backend.pooling().max(negative, window, single);
    assertValues(single, 0, -1);
    Tensor ties = tensor(negative.shape(), 0, 3, 3, 3);
    Tensor tied = empty(ties.shape());
    backend.pooling().maxBackward(ties, tensor(single.shape(), 1), window, tied);
    assertValues(tied, 0, 0, 1, 0, 0);
  }

  @Test
  void globalPooling() {
    Tensor x = tensor(Shape.of(2, 1, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    Tensor out = empty(Shape.of(2, 2));
    backend.pooling().globalAverage(x, out);
    assertValues(out, 0, 2, 3, 6, 7);
    Tensor dx = empty(x.shape());
    backend.pooling().globalAverageBackward(out, dx);
    assertValues(dx, 0, 1, 1.5, 1, 1.5, 3, 3.5, 3, 3.5);
  }

  /**
   * Logits ln 1, ln 2, ln 5 make probabilities 1/8, 2/8, 5/8. With smoothing 0.3 and label 2 the
   * target is 0.1, 0.1, 0.8: loss = 0.1 ln 8 + 0.1 ln 4 + 0.8 ln 1.6 = 0.7225765; the gradient is p
   * - target. A second row of equal logits and label 0 adds ln 3 whatever the smoothing, and p -
   * target = 1/3 - 0.8, 1/3 - 0.1, 1/3 - 0.1. Both are halved by the mean.
   */
  @Test
  void labelSmoothedCrossEntropy() {
    Tensor logits = tensor(Shape.of(2, 3), 0, (float) Math.log(2), (float) Math.log(5), 4, 4, 4);
    Tensor gradient = empty(logits.shape());
    double loss = backend.loss().softmaxCrossEntropy(logits, labels(2, 0), 0.3f, gradient);
    double first = 0.1 * Math.log(8) + 0.1 * Math.log(4) + 0.8 * Math.log(1.6);
    assertEquals(0.7225765, first, 1e-7);
    assertEquals((first + Math.log(3)) / 2, loss, 1e-6);
    assertValues(gradient, 1e-6, 0.0125, 0.075, -0.0875, -0.2333333, 0.1166667, 0.1166667);
    assertEquals(1, backend.loss().countCorrect(logits, labels(2, 1)));
    assertEquals(2, backend.loss().countCorrect(logits, labels(2, 0)));
  }

  @Test
  void crossEntropyOfNothingIsZero() {
    assertEquals(
        0, backend.loss().softmaxCrossEntropy(empty(Shape.of(0, 3)), labels(), 0.1f, null));
  }

  /**
   * w = 1, g = 0.5, momentum 0.9, decay 0.1, rate 0.1. Step 1: gradient 0.6, v = 0.6, w = 0.94.
   * Step 2: gradient 0.594, v = 0.54 + 0.594 = 1.134, w = 0.8266. With Nesterov: step 1: w = 1 -
   * 0.1 (0.6 + 0.54) = 0.886; step 2: gradient 0.5886, v = 1.1286, w = 0.886 - 0.1 (0.5886 +
   * 1.01574) = 0.725566.
   */
  @Test
  void twoStepsOfSgd() {
    Tensor g = tensor(Shape.of(1), 0.5f);
    Tensor w = tensor(Shape.of(1), 1);
    Tensor v = tensor(Shape.of(1), 0);
    for (int step = 0; step < 2; step++) {
      backend.optimizer().sgd(w, g, v, 0.1f, 0.9f, 0.1f, false);
    }
    assertValues(v, 1e-6, 1.134);
    assertValues(w, 1e-6, 0.8266);
    w.set(1f);
    v.set(0f);
    for (int step = 0; step < 2; step++) {
      backend.optimizer().sgd(w, g, v, 0.1f, 0.9f, 0.1f, true);
    }
    assertValues(w, 1e-6, 0.725566);
    assertValues(g, 0, 0.5);
  }

  /**
   * w = 1, g = 2, β1 = 0.5, β2 = 0.75, ε = 1, decay 0, rate 0.1. Step 1: m = 1, v = 1; m̂ = 2, v̂ =
   * 4; w = 1 - 0.1 * 2 / (2 + 1) = 0.9333333. Step 2 with g = 4: m = 2.5, v = 0.75 + 4 = 4.75; m̂ =
   * 2.5 / 0.75 = 3.3333333, v̂ = 4.75 / 0.4375 = 10.857143, root 3.2950179; w = 0.9333333 -
   * 0.3333333 / 4.2950179 = 0.8557240.
   */
  @Test
  void twoStepsOfAdam() {
    Tensor w = tensor(Shape.of(1), 1);
    Tensor m = tensor(Shape.of(1), 0);
    Tensor v = tensor(Shape.of(1), 0);
    backend.optimizer().adam(w, tensor(Shape.of(1), 2), m, v, 0.1f, 0.5f, 0.75f, 1, 0, 1);
    assertValues(w, 1e-6, 0.9333333);
    backend.optimizer().adam(w, tensor(Shape.of(1), 4), m, v, 0.1f, 0.5f, 0.75f, 1, 0, 2);
    assertValues(m, 1e-6, 2.5);
    assertValues(v, 1e-6, 4.75);
    assertValues(w, 1e-6, 0.8557240);
    // Decay 0.5 at w = 2 turns a gradient of 1 into 2: the first step again.
    w.set(2f);
    m.set(0f);
    v.set(0f);
    backend.optimizer().adam(w, tensor(Shape.of(1), 1), m, v, 0.1f, 0.5f, 0.75f, 1, 0.5f, 1);
    assertValues(w, 1e-6, 1.9333333);
  }

  /**
   * w = 1, g = 2, ρ = 0.75, momentum 0.5, ε = 3, rate 0.1. Step 1: s = 1, v = 0.2 / 2 = 0.1, w =
   * 0.9. Step 2: s = 1.75, v = 0.05 + 0.2 / √4.75 = 0.1417663, w = 0.7582337. With decay 1 the
   * gradient of the first step is 3: s = 2.25, v = 0.3 / √5.25 = 0.1309307.
   */
  @Test
  void twoStepsOfRmsProp() {
    Tensor w = tensor(Shape.of(1), 1);
    Tensor g = tensor(Shape.of(1), 2);
    Tensor s = tensor(Shape.of(1), 0);
    Tensor v = tensor(Shape.of(1), 0);
    backend.optimizer().rmsProp(w, g, s, v, 0.1f, 0.75f, 0.5f, 3, 0);
    assertValues(w, 1e-6, 0.9);
    backend.optimizer().rmsProp(w, g, s, v, 0.1f, 0.75f, 0.5f, 3, 0);
    assertValues(v, 1e-6, 0.1417663);
    assertValues(w, 1e-6, 0.7582337);
    w.set(1f);
    s.set(0f);
    v.set(0f);
    backend.optimizer().rmsProp(w, g, s, v, 0.1f, 0.75f, 0.5f, 3, 1);
    assertValues(v, 1e-6, 0.1309307);
  }
}
