package dev.sextant.kernels;

import dev.sextant.kernels.channels.ChannelMap;
import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.channels.CopyChannels;
import dev.sextant.kernels.convolution.Transpose;
import dev.sextant.kernels.depthwise.DepthwiseFilter;
import dev.sextant.kernels.depthwise.DepthwiseKernel;
import dev.sextant.kernels.depthwise.PixelSource;
import dev.sextant.kernels.elementwise.ElementwiseKernel;
import dev.sextant.kernels.elementwise.Total;
import dev.sextant.kernels.loss.CrossEntropy;
import dev.sextant.kernels.optimizer.OptimizerStep;
import dev.sextant.kernels.optimizer.OptimizerSteps;
import dev.sextant.kernels.pooling.PoolingKernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.superkernel.SuperkernelMask;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import it.unimi.dsi.fastutil.ints.IntList;
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

  /** {@return all of them, by family} */
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
    for (OptimizerStep.Rule rule : OptimizerStep.Rule.values()) {
      sources.add(new OptimizerSteps(rule));
    }
    for (IntList kernels : List.of(IntList.of(3, 5), IntList.of(3, 5, 7))) {
      for (int groups = 1; groups <= 3; groups++) {
        sources.add(new SuperkernelMask(kernels, groups, false));
        sources.add(new SuperkernelMask(kernels, groups, true));
      }
    }
    return sources;
  }

  /**
   * {@return the kernel of that name, if there is one}
   *
   * @param name of its entry point
   */
  public static Optional<KernelSource> named(String name) {
    return all().stream().filter(source -> source.name().equals(name)).findFirst();
  }

  private static void elementwise(List<KernelSource> sources, int width) {
    for (ElementwiseKernel.Operation operation : ElementwiseKernel.Operation.values()) {
      switch (operation) {
        case ACTIVATE, ACTIVATE_BACKWARD -> {
          for (Activation activation : Activation.values()) {
            sources.add(new ElementwiseKernel(operation, activation, width));
          }
        }
        case FILL, COPY, SCALE, AXPY, ADD, MULTIPLY ->
            sources.add(new ElementwiseKernel(operation, width));
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
      for (ChannelReduction.Pass pass : ChannelReduction.Pass.values()) {
        boolean fused =
            (quantity == ChannelReduction.Quantity.BATCH_NORM_BACKWARD
                    || quantity == ChannelReduction.Quantity.BATCH_NORM_REDUCE)
                && pass != ChannelReduction.Pass.COMBINE;
        for (Activation activation : fused ? FUSED : List.of(Activation.IDENTITY)) {
          sources.add(new ChannelReduction(quantity, pass, activation, width));
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
      for (PoolingKernel.Mode mode : PoolingKernel.Mode.values()) {
        sources.add(new PoolingKernel(mode, Window.same(3, stride), width));
      }
    }
  }

  private static void depthwise(List<KernelSource> sources, int width) {
    PixelSource.Form plain = PixelSource.Form.PLAIN;
    PixelSource.Form normalized = PixelSource.Form.normalized(Activation.RELU6);
    PixelSource.Form gradient = PixelSource.Form.GRADIENT;
    for (Window window : windows()) {
      sources.add(DepthwiseKernel.plain(window, false, false, Activation.IDENTITY, width));
      sources.add(DepthwiseKernel.plain(window, true, false, Activation.IDENTITY, width));
      int filter = width == 1 ? 1 : DepthwiseFilter.widest(window.kernel());
      boolean another = filter == width || filter == 2;
      if (another) {
        sources.add(DepthwiseFilter.plain(window, filter));
      }
      // Channels of published networks are multiples of 4: single floats are the exception.
      if (window.dilation() == 1 && width > 1) {
        sources.add(DepthwiseKernel.plain(window, false, true, Activation.RELU6, width));
        sources.add(DepthwiseKernel.plain(window, false, true, Activation.HSWISH, width));
        Activation none = Activation.IDENTITY;
        sources.add(new DepthwiseKernel(window, false, normalized, false, none, true, width));
        sources.add(new DepthwiseKernel(window, true, gradient, false, none, false, width));
        if (another) {
          sources.add(new DepthwiseFilter(window, plain, gradient, filter));
          sources.add(new DepthwiseFilter(window, normalized, gradient, filter));
        }
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
