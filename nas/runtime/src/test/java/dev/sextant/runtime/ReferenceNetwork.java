package dev.sextant.runtime;

import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.CustomLayer;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Residual;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Shuffle;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers as their definitions have them, one reference kernel after the other: nothing folded,
 * fused or shared. What compiled programs are compared with.
 */
final class ReferenceNetwork implements AutoCloseable {
  private final Backend backend = Backend.reference();
  private final Memory.Scope scope = backend.memory().scope();
  private final Weights weights;
  private final float epsilon;

  ReferenceNetwork(Weights weights, double epsilon) {
    this.weights = weights;
    this.epsilon = (float) epsilon;
  }

  static float[] logits(Architecture architecture, Weights weights, float[] images, int batch) {
    try (ReferenceNetwork network =
        new ReferenceNetwork(weights, architecture.batchNormEpsilon())) {
      Tensor x = network.floats(architecture.input().shape(batch)).set(images);
      List<float[]> predictions = new ArrayList<>();
      for (int i = 0; i < architecture.layers().size(); i++) {
        String prefix = "layers." + i + ".";
        if (architecture.layers().get(i) instanceof Detect detect) {
          predictions.add(network.predictions(prefix, detect, x));
        } else {
          x = network.layer(prefix, architecture.layers().get(i), x);
        }
      }
      return predictions.isEmpty() ? x.toArray() : sideBySide(predictions, batch);
    }
  }

  /** {@code [batch, anchors, 4 + 1 + classes]}, as the definition of a predictor has it. */
  private float[] predictions(String prefix, Detect detect, Tensor x) {
    float[] boxes = predictor(prefix + "box", detect, x);
    float[] logits = predictor(prefix + "class", detect, x);
    int rows = boxes.length / 4;
    int classes = 1 + detect.classes();
    float[] predictions = new float[rows * (4 + classes)];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(boxes, 4 * row, predictions, row * (4 + classes), 4);
      System.arraycopy(logits, classes * row, predictions, row * (4 + classes) + 4, classes);
    }
    return predictions;
  }

  private float[] predictor(String prefix, Detect detect, Tensor x) {
    Tensor z = depthwise(x, prefix + "_depthwise.weight", Window.same(detect.kernel(), 1));
    Tensor seen = norm(z, prefix + "_depthwise_norm.", detect.activation());
    Tensor y = conv(seen, prefix + ".weight", Window.POINTWISE);
    backend.channels().addBias(y, parameter(prefix + ".bias"), y);
    return y.toArray();
  }

  private static float[] sideBySide(List<float[]> parts, int batch) {
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (int image = 0; image < batch; image++) {
      for (float[] part : parts) {
        int length = part.length / batch;
        System.arraycopy(part, image * length, all, at, length);
        at += length;
      }
    }
    return all;
  }

  Tensor floats(Shape shape) {
    return backend.memory().floats(shape, Memory.Category.ACTIVATIONS, "test");
  }

  private Tensor parameter(String name) {
    Weights.Entry entry = weights.get(name);
    return floats(entry.shape()).set(entry.values());
  }

  Tensor layer(String prefix, Layer layer, Tensor x) {
    return switch (layer) {
      case Cell _, Junction _, Shuffle _, Residual _, Detect _, CustomLayer _ ->
          throw new IllegalArgumentException(
              "cells, forks and others are compared with their trained form");
      case Conv conv -> {
        String kernel = conv.batchNorm() ? "convolution.weight" : "weight";
        Tensor z = conv(x, prefix + kernel, conv.window());
        yield finish(prefix, z, conv.batchNorm(), conv.activation());
      }
      case Depthwise depthwise -> {
        String kernel = depthwise.batchNorm() ? "convolution.weight" : "weight";
        Tensor z = depthwise(x, prefix + kernel, depthwise.window());
        yield finish(prefix, z, depthwise.batchNorm(), depthwise.activation());
      }
      case Separable separable -> {
        Tensor z = depthwise(x, prefix + "depthwise.weight", separable.window());
        Tensor a = norm(z, prefix + "depthwise_norm.", separable.activation());
        Tensor z2 = conv(a, prefix + "pointwise.weight", Window.POINTWISE);
        yield norm(z2, prefix + "pointwise_norm.", Activation.IDENTITY);
      }
      case MbConv block -> mbConv(prefix, block, x);
      case Pool pool -> {
        Tensor out = floats(layer.output(x.shape()));
        if (pool.max()) {
          backend.pooling().max(x, pool.window(), out);
        } else {
          backend.pooling().average(x, pool.window(), out);
        }
        yield out;
      }
      case Skip _ -> x;
      case Zero _ -> throw new AssertionError();
      case GlobalAvgPool _ -> mean(x);
      case Linear linear -> linear(prefix, x, linear.activation());
    };
  }

  private Tensor mbConv(String prefix, MbConv block, Tensor x) {
    Tensor a = x;
    if (block.expand() > 1) {
      Tensor z = conv(x, prefix + "expand.weight", Window.POINTWISE);
      a = norm(z, prefix + "expand_norm.", block.activation());
    }
    Tensor z = depthwise(a, prefix + "depthwise.weight", block.window());
    a = norm(z, prefix + "depthwise_norm.", block.activation());
    if (block.squeezeExcite() > 0) {
      Tensor hidden = linear(prefix + "squeeze.reduce.", mean(a), block.squeezeActivation());
      Tensor gate = linear(prefix + "squeeze.expand.", hidden, block.gate());
      Tensor gated = floats(a.shape());
      backend.channels().scale(a, gate, gated);
      a = gated;
    }
    Tensor z3 = conv(a, prefix + "project.weight", Window.POINTWISE);
    Tensor y = norm(z3, prefix + "project_norm.", Activation.IDENTITY);
    if (block.residual()) {
      Tensor sum = floats(y.shape());
      backend.elementwise().add(y, x, sum);
      return sum;
    }
    return y;
  }

  private Tensor finish(String prefix, Tensor z, boolean batchNorm, Activation activation) {
    if (batchNorm) {
      return norm(z, prefix + "norm.", activation);
    }
    Tensor biased = floats(z.shape());
    backend.channels().addBias(z, parameter(prefix + "bias"), biased);
    backend.elementwise().activate(biased, activation, biased);
    return biased;
  }

  private Tensor conv(Tensor x, String kernel, Window window) {
    Tensor w = parameter(kernel);
    Tensor out = floats(window.output(x.shape(), w.shape().channels()));
    backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, out);
    return out;
  }

  private Tensor depthwise(Tensor x, String kernel, Window window) {
    Tensor out = floats(window.output(x.shape(), x.shape().channels()));
    backend.depthwise().forward(x, parameter(kernel), window, null, Activation.IDENTITY, out);
    return out;
  }

  private Tensor norm(Tensor z, String prefix, Activation activation) {
    Tensor out = floats(z.shape());
    backend
        .batchNorm()
        .apply(
            z,
            new BatchNorm(
                parameter(prefix + "mean"),
                parameter(prefix + "variance"),
                parameter(prefix + "gamma"),
                parameter(prefix + "beta"),
                epsilon,
                activation),
            null,
            out);
    return out;
  }

  private Tensor mean(Tensor x) {
    Tensor out = floats(Shape.of(x.shape().get(0), x.shape().channels()));
    backend.pooling().globalAverage(x, out);
    return out;
  }

  private Tensor linear(String prefix, Tensor x, Activation activation) {
    Tensor w = parameter(prefix + "weight");
    Tensor out = floats(x.shape().withChannels(w.shape().channels()));
    backend.gemm().multiply(x, false, w, false, out, false);
    backend.channels().addBias(out, parameter(prefix + "bias"), out);
    backend.elementwise().activate(out, activation, out);
    return out;
  }

  @Override
  public void close() {
    scope.close();
    backend.close();
  }
}
