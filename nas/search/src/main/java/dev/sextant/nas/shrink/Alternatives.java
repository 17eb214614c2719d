package dev.sextant.nas.shrink;

import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * What can stand in the place of a network's layers, all of it of the same shape outside: a smaller
 * kernel, fewer channels inside a bottleneck, nothing at all where the identity fits.
 */
public final class Alternatives {
  private static final int SMALLEST_KERNEL = 3;
  private static final int SMALLEST_EXPANSION = 2;

  /** Expanded widths of alternatives, in sixths of the layer's. */
  private static final int[] SIXTHS = {4, 3, 2};

  private static final String SUFFIX = "-shrunk";

  private Alternatives() {}

  /**
   * {@return the space of the networks that a network can be shrunk to} Of each choice the first
   * candidate is the network's own layer.
   *
   * @param network a chain of layers
   * @throws SextantException if it forks, or is one of cells, or no layer of it has an alternative
   */
  public static Space space(Architecture network) {
    network.requireClassifier();
    List<Position> positions = new ArrayList<>();
    List<Shape> shapes = network.shapes();
    boolean any = false;
    for (int i = 0; i < network.layers().size(); i++) {
      Layer layer = network.layers().get(i);
      if (layer instanceof Junction || layer instanceof Cell) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: layers[%d]: %s: only a chain of layers can be shrunk block by block",
                network.name(),
                i,
                layer.label()));
      }
      List<Layer> candidates = of(layer, shapes.get(i));
      any |= candidates.size() > 1;
      positions.add(
          candidates.size() == 1 ? new Position.Fixed(layer) : new Position.Choice(candidates));
    }
    if (!any) {
      throw new SextantException(
          network.name() + ": no layer of it can be made smaller (bottlenecks and kernels can)");
    }
    String name = network.name() + SUFFIX;
    return new Space(
        Architecture.isName(name) ? name : network.name(),
        network.classes(),
        network.input(),
        network.batchNormEpsilon(),
        positions);
  }

  /**
   * {@return a layer and what can stand in its place, itself first}
   *
   * @param layer a layer of a network
   * @param input the shape that it takes there
   */
  public static List<Layer> of(Layer layer, Shape input) {
    Set<Layer> candidates = new LinkedHashSet<>(List.of(layer));
    switch (layer) {
      case MbConv block -> {
        for (int kernel : kernels(block.kernel())) {
          for (int expand : expansions(block.expand())) {
            candidates.add(block.sized(kernel, expand));
          }
        }
        if (block.residual()) {
          candidates.add(new Skip());
        }
      }
      case Conv conv -> {
        for (int kernel : kernels(conv.kernel())) {
          candidates.add(
              new Conv(
                  kernel,
                  conv.stride(),
                  conv.dilation(),
                  conv.groups(),
                  conv.out(),
                  conv.batchNorm(),
                  conv.activation()));
        }
        if (conv.stride() == 1 && conv.out() == input.channels()) {
          candidates.add(new Skip());
        }
      }
      case Separable separable -> {
        for (int kernel : kernels(separable.kernel())) {
          candidates.add(
              new Separable(
                  kernel,
                  separable.stride(),
                  separable.dilation(),
                  separable.out(),
                  separable.activation()));
        }
      }
      case Depthwise depthwise -> {
        for (int kernel : kernels(depthwise.kernel())) {
          candidates.add(
              new Depthwise(
                  kernel,
                  depthwise.stride(),
                  depthwise.dilation(),
                  depthwise.batchNorm(),
                  depthwise.activation()));
        }
      }
      default -> {
        // Pooling and classifiers stay as they are.
      }
    }
    return List.copyOf(candidates);
  }

  /** The kernel's side and every smaller odd one from 3 on. */
  private static List<Integer> kernels(int kernel) {
    List<Integer> sides = new ArrayList<>(List.of(kernel));
    for (int side = kernel - 2; side >= SMALLEST_KERNEL; side -= 2) {
      sides.add(side);
    }
    return sides;
  }

  /** The expansion, and two thirds, a half and a third of it, largest first. */
  private static Set<Integer> expansions(int expand) {
    TreeSet<Integer> ratios = new TreeSet<>(Set.of(expand));
    for (int sixths : SIXTHS) {
      int ratio = Math.ceilDiv(sixths * expand, 6);
      if (ratio >= SMALLEST_EXPANSION) {
        ratios.add(ratio);
      }
    }
    return ratios.descendingSet();
  }
}
