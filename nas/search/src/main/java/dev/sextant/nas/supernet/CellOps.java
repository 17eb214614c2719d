package dev.sextant.nas.supernet;

import dev.sextant.autograd.nn.FactorizedReduce;
import dev.sextant.autograd.nn.Identity;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.Pooling;
import dev.sextant.autograd.nn.ReluConvolution;
import dev.sextant.autograd.nn.ReluSeparable;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;

/**
 * The operations of a cell in trainable form.
 *
 * @param init how fresh weights are drawn
 * @param epsilon added to variances in batch norms
 * @param affine whether batch norms have a trained scale and offset
 */
public record CellOps(Initializer init, float epsilon, boolean affine) {
  /**
   * {@return what brings an input of {@code in} channels to the width of the cell}
   *
   * @param in channels of the input
   * @param width channels of the cell
   * @param reduces whether the input is twice as high and wide as the cell, and is halved
   */
  public Module input(int in, int width, boolean reduces) {
    return reduces
        ? new FactorizedReduce(init, in, width, epsilon, affine)
        : new ReluConvolution(init, in, width, Window.POINTWISE, epsilon, affine);
  }

  /**
   * {@return the op of an edge, on {@code channels} channels}
   *
   * @param op which operation
   * @param channels channels in and out
   * @param stride 1, or 2 to halve the image
   */
  public Module edge(Cell.Op op, int channels, int stride) {
    return switch (op.kind()) {
      case ZERO -> throw new SextantException("cell: an edge that is cut has no module");
      case MAX_POOL -> Pooling.max(op.window(stride));
      case AVG_POOL -> Pooling.average(op.window(stride));
      case IDENTITY ->
          stride == 1
              ? new Identity()
              : new FactorizedReduce(init, channels, channels, epsilon, affine);
      case SEPARABLE -> ReluSeparable.twice(init, channels, op.kernel(), stride, epsilon, affine);
      case DILATED -> new ReluSeparable(init, channels, op.window(stride), epsilon, affine);
    };
  }
}
