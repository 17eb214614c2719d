package dev.sextant.kernels;

import dev.sextant.kernels.family.ChannelMap;
import dev.sextant.kernels.family.ChannelReduction;
import dev.sextant.kernels.family.CopyChannels;
import dev.sextant.kernels.family.CrossEntropy;
import dev.sextant.kernels.family.Depthwise;
import dev.sextant.kernels.family.DepthwiseFilter;
import dev.sextant.kernels.family.Elementwise;
import dev.sextant.kernels.family.OptimizerStep;
import dev.sextant.kernels.family.Pooling;
import dev.sextant.kernels.family.Total;
import dev.sextant.kernels.family.Transpose;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The specialisations of every family that the built-in spaces and networks use: what {@code
 * sextant ptx} prints by name, and what the tests assemble for each architecture. Others are made
 * when they are asked for.
 */
public final class KernelCatalogue {
  private static final List<Integer> WIDTHS = List.of(1, 4);

  /** Activations of published networks; the identity stands for training without fusion. */
  private static final List<Activation> FUSED =
      List.of(Activation.IDENTITY, Activation.RELU, Activation.RELU6, Activation.HSWISH);

  private KernelCatalogue() {}

  /** All of them, by family. */
  public static List<KernelSource> all() {
    List<KernelSource> sources = new ArrayList<>();
    for (int width : WIDTHS) {
      elementwise(sources, width);
      channels(sources, width);
      pooling(sources, width);
      depthwise(sources, width);
    }
    for (CrossEntropy.Mode mode : CrossEntropy.Mode.values()) {
      sources.add(new CrossEntropy(mode));
    }
    sources.add(new Transpose());
    return sources;
  }

  /** The kernel of that name. */
  public static Optional<KernelSource> named(String name) {
    return all().stream().filter(source -> source.name().equals(name)).findFirst();
  }

  private static void elementwise(List<KernelSource> sources, int width) {
    for (Elementwise.Operation operation : Elementwise.Operation.values()) {
      switch (operation) {
        case ACTIVATE, ACTIVATE_BACKWARD -> {
          for (Activation activation : Activation.values()) {
            sources.add(new Elementwise(operation, activation, width));
          }
        }
        case FILL, COPY, SCALE, AXPY, ADD, MULTIPLY ->
            sources.add(new Elementwise(operation, width));
      }
    }
    for (OptimizerStep.Rule rule : OptimizerStep.Rule.values()) {
      sources.add(new OptimizerStep(rule, width));
    }
    sources.add(new Total(false, width));
    sources.add(new Total(true, width));
    sources.add(new CopyChannels(width));
  }

  private static void channels(List<KernelSource> sources, int width) {
    for (ChannelMap.Formula formula : ChannelMap.Formula.values()) {
      for (Activation activation : activations(formula)) {
        sources.add(new ChannelMap(formula, activation, false, width));
        if (formula != ChannelMap.Formula.BATCH_NORM_BACKWARD) {
          sources.add(new ChannelMap(formula, activation, true, width));
        }
      }
    }
    for (ChannelReduction.Quantity quantity : ChannelReduction.Quantity.values()) {
      for (ChannelReduction.Stage stage : ChannelReduction.Stage.values()) {
        boolean fused =
            quantity == ChannelReduction.Quantity.BATCH_NORM_BACKWARD
                && stage != ChannelReduction.Stage.COMBINE;
        for (Activation activation : fused ? FUSED : List.of(Activation.IDENTITY)) {
          sources.add(new ChannelReduction(quantity, stage, activation, width));
        }
      }
    }
  }

  private static List<Activation> activations(ChannelMap.Formula formula) {
    return switch (formula) {
      case BIAS, NO_BIAS, BATCH_NORM, BATCH_NORM_BACKWARD -> FUSED;
      case SCALE, BROADCAST -> List.of(Activation.IDENTITY);
    };
  }

  private static void pooling(List<KernelSource> sources, int width) {
    for (int stride = 1; stride <= 2; stride++) {
      for (Pooling.Mode mode : Pooling.Mode.values()) {
        sources.add(new Pooling(mode, Window.same(3, stride), width));
      }
    }
  }

  private static void depthwise(List<KernelSource> sources, int width) {
    for (Window window : windows()) {
      sources.add(new Depthwise(window, false, false, Activation.IDENTITY, width));
      if (window.dilation() == 1) {
        for (Activation activation : FUSED) {
          sources.add(new Depthwise(window, false, true, activation, width));
        }
      }
      sources.add(new Depthwise(window, true, false, Activation.IDENTITY, width));
      int filter = width == 1 ? 1 : DepthwiseFilter.widest(window.kernel());
      if (filter == width || filter == 2) {
        sources.add(new DepthwiseFilter(window, filter));
      }
    }
  }

  /** 3x3, 5x5 and 7x7 at both strides; the dilated 3x3 and 5x5 of DARTS. */
  private static List<Window> windows() {
    List<Window> windows = new ArrayList<>();
    for (int stride = 1; stride <= 2; stride++) {
      for (int kernel = 3; kernel <= 7; kernel += 2) {
        windows.add(Window.same(kernel, stride));
      }
      windows.add(Window.same(3, stride, 2));
      windows.add(Window.same(5, stride, 2));
    }
    return windows;
  }
}
