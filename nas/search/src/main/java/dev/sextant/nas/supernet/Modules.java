package dev.sextant.nas.supernet;

import dev.sextant.autograd.nn.BatchNorm;
import dev.sextant.autograd.nn.Convolution;
import dev.sextant.autograd.nn.DepthwiseConvolution;
import dev.sextant.autograd.nn.Identity;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.MbConv;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.NormalizedConvolution;
import dev.sextant.autograd.nn.Pooling;
import dev.sextant.autograd.nn.SeparableConvolution;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;

/**
 * The trainable form of a {@link Layer}. Paths of parameters are those that {@link
 * dev.sextant.runtime.CompiledModel} reads.
 */
final class Modules {
  private Modules() {}

  /** A module with fresh weights for a layer on that input {@code [N, H, W, C]}. */
  static Module of(Layer layer, Shape input, double batchNormEpsilon, Initializer init) {
    float epsilon = (float) batchNormEpsilon;
    int in = input.channels();
    return switch (layer) {
      case Layer.Conv conv -> conv(conv, in, epsilon, init);
      case Layer.Depthwise depthwise -> depthwise(depthwise, in, epsilon, init);
      case Layer.Separable separable ->
          new SeparableConvolution(
              init, in, separable.out(), separable.window(), separable.activation(), epsilon);
      case Layer.MbConv block -> block(block, in, epsilon, init);
      case Layer.Pool pool -> {
        Window window = pool.window();
        yield pool.max() ? Pooling.max(window) : Pooling.average(window);
      }
      case Layer.Skip _ -> new Identity();
      case Layer.Zero _ ->
          throw new SextantException("zero: stands only on the edges of a cell, not in a chain");
      case Layer.Junction junction ->
          throw new SextantException(
              "%s: this kind of supernet cannot fork (--supernet multi-path)"
                  .formatted(junction.label()));
      case Layer.GlobalAvgPool _ -> Pooling.globalAverage();
      case Layer.Linear linear -> new Linear(init, in, linear.out(), linear.activation());
      case Cell cell -> {
        if (cell.older() != null) {
          throw new SextantException(
              "cell: a supernet of layers and choices passes one input on, this cell has two");
        }
        // A supernet drops no paths, so that nothing is drawn.
        yield new CellModule(cell, input, epsilon, init, new Rng(0));
      }
    };
  }

  private static Module block(Layer.MbConv block, int in, float epsilon, Initializer init) {
    MbConv module =
        new MbConv(
            init,
            new MbConv.Config(
                in,
                block.expanded(in),
                block.out(),
                block.window(),
                block.activation(),
                block.squeezed(in),
                block.residual(),
                epsilon));
    module.startAsIdentity(init.backend());
    return module;
  }

  private static Module conv(Layer.Conv conv, int in, float epsilon, Initializer init) {
    if (!conv.batchNorm()) {
      return new Convolution(init, in, conv.out(), conv.window(), conv.activation());
    }
    return new NormalizedConvolution(
        new Convolution(init, in, conv.out(), conv.window()),
        new BatchNorm(init, conv.out(), epsilon, conv.activation()));
  }

  private static Module depthwise(
      Layer.Depthwise depthwise, int in, float epsilon, Initializer init) {
    if (!depthwise.batchNorm()) {
      return new DepthwiseConvolution(init, in, depthwise.window(), depthwise.activation());
    }
    return new NormalizedConvolution(
        new DepthwiseConvolution(init, in, depthwise.window()),
        new BatchNorm(init, in, epsilon, depthwise.activation()));
  }
}
