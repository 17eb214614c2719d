package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import java.util.ArrayList;
import java.util.List;

/**
 * The tree-structured spaces of ProxylessNAS for CIFAR-10 (Cai et al., 2019, section 4.1; the tree
 * of Cai et al., 2018b): residual blocks of a PyramidNet whose 3x3 convolution is followed by a
 * tree of depth 3 with 2 branches at each node. All edges below the root are choices among the
 * seven operations of the paper's Appendix A, 12 in a block.
 */
final class TreeSpaces {
  /** Widths of the 54 blocks' bottlenecks in the published network; blocks give four times that. */
  private static final int[] PUBLISHED_WIDTHS = {
    18, 18, 20, 22, 24, 24, 26, 28, 30, 32, 32, 34, 36, 38, 38, 40, 42, 44, //
    46, 46, 48, 50, 52, 52, 54, 56, 58, 60, 60, 62, 64, 66, 66, 68, 70, 72, //
    74, 74, 76, 78, 80, 80, 82, 84, 86, 88, 88, 90, 92, 94, 94, 96, 98, 100
  };

  private static final int[] SMALL_WIDTHS = {8, 12, 16};

  private static final int STAGES = 3;
  private static final int EXPANSION = 4;

  private final List<Position> positions = new ArrayList<>();

  private TreeSpaces() {}

  /** The published one: 54 blocks, 648 choices, for 32x32x3 and 10 classes. */
  static Space cifar() {
    return new TreeSpaces().space("proxyless-cifar-tree", 1, PUBLISHED_WIDTHS, 32);
  }

  /** Three narrow blocks behind a stem of stride 2, 36 choices: for minutes on a laptop. */
  static Space small() {
    return new TreeSpaces().space("proxyless-tree-small", 2, SMALL_WIDTHS, 32);
  }

  /** The first block of each stage but the first has stride 2. */
  private Space space(String name, int stemStride, int[] widths, int size) {
    fixed(convolution(3, stemStride, 16, Activation.IDENTITY));
    int blocks = widths.length / STAGES;
    for (int i = 0; i < widths.length; i++) {
      block(widths[i], i > 0 && i % blocks == 0 ? 2 : 1);
    }
    fixed(new GlobalAvgPool());
    fixed(new Linear(10));
    return new Space(
        name,
        10,
        new Architecture.Input(size, size, 3),
        Architecture.DEFAULT_BATCH_NORM_EPSILON,
        positions);
  }

  /** A bottleneck with a shortcut, which is pooled where the block is, and padded with zeros. */
  private void block(int width, int stride) {
    junction(Junction.Kind.FORK);
    fixed(convolution(1, 1, width, Activation.RELU));
    fixed(convolution(3, stride, width, Activation.RELU));
    junction(Junction.Kind.FORK);
    branch(width);
    junction(Junction.Kind.NEXT);
    branch(width);
    junction(Junction.Kind.SUM);
    fixed(convolution(1, 1, EXPANSION * width, Activation.IDENTITY));
    junction(Junction.Kind.NEXT);
    if (stride > 1) {
      fixed(new Pool(false, 3, stride));
    }
    junction(Junction.Kind.SUM);
  }

  /** One of the root's branches, with a shortcut around it: two edges, each to a node of two. */
  private void branch(int width) {
    junction(Junction.Kind.FORK);
    junction(Junction.Kind.FORK);
    edges(width);
    junction(Junction.Kind.NEXT);
    edges(width);
    junction(Junction.Kind.SUM);
    junction(Junction.Kind.NEXT);
    junction(Junction.Kind.SUM);
  }

  private void edges(int width) {
    positions.add(edge(width));
    junction(Junction.Kind.FORK);
    positions.add(edge(width));
    junction(Junction.Kind.NEXT);
    positions.add(edge(width));
    junction(Junction.Kind.SUM);
  }

  private static Position.Choice edge(int width) {
    return new Position.Choice(
        List.of(
            separable(3, 1, width),
            separable(3, 2, width),
            separable(5, 1, width),
            separable(7, 1, width),
            new Pool(false, 3, 1),
            new Pool(true, 3, 1),
            new Skip()));
  }

  private static Layer separable(int kernel, int dilation, int width) {
    return new Separable(kernel, 1, dilation, width, Activation.RELU);
  }

  private static Layer convolution(int kernel, int stride, int width, Activation activation) {
    return new Conv(kernel, stride, 1, width, true, activation);
  }

  private void junction(Junction.Kind kind) {
    fixed(new Junction(kind));
  }

  private void fixed(Layer layer) {
    positions.add(new Position.Fixed(layer));
  }
}
