package dev.sextant.runtime.pretrained;

import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The modules of a PyTorch network in the order in which they run, told from the names of their
 * tensors.
 */
final class Modules {
  /** What counts batches, and nothing reads. */
  private static final String COUNT = "num_batches_tracked";

  /** Where names do not tell the order by their numbers. */
  private static final List<String> ORDER =
      List.of(
          "conv_stem",
          "conv1",
          "bn1",
          "maxpool",
          "conv2",
          "bn2",
          "conv3",
          "bn3",
          "downsample",
          "layer1",
          "layer2",
          "layer3",
          "layer4",
          "features",
          "layers",
          "blocks",
          "conv_head",
          "bn_head",
          "classifier",
          "head",
          "fc");

  private Modules() {}

  /** A module: its name, and its tensors by the last part of theirs. */
  record Module(String name, Map<String, Weights.Entry> tensors) {
    boolean isNorm() {
      return tensors.containsKey("running_mean");
    }

    Weights.Entry get(String tensor) {
      Weights.Entry entry = tensors.get(tensor);
      if (entry == null) {
        throw new SextantException(String.format(Locale.ROOT, "'%s.%s' is missing", name, tensor));
      }
      return entry;
    }
  }

  /** All modules with tensors. */
  static List<Module> of(Weights weights) {
    Map<String, Map<String, Weights.Entry>> byName = new LinkedHashMap<>();
    weights
        .entries()
        .forEach(
            (name, entry) -> {
              int dot = name.lastIndexOf('.');
              String tensor = name.substring(dot + 1);
              if (!tensor.equals(COUNT)) {
                byName
                    .computeIfAbsent(
                        dot < 0 ? "" : name.substring(0, dot), _ -> new LinkedHashMap<>())
                    .put(tensor, entry);
              }
            });
    List<Module> modules = new ArrayList<>();
    byName.forEach((name, tensors) -> modules.add(new Module(name, tensors)));
    modules.sort(Comparator.comparing(module -> key(module.name, byName), Modules::compare));
    return modules;
  }

  /** The parts of a name, each as what sorts it among others at its place. */
  private static List<Integer> key(String name, Map<String, ?> all) {
    List<Integer> key = new ArrayList<>();
    String[] parts = name.split("\\.", 20);
    String path = "";
    for (String part : parts) {
      key.add(rank(part, path, all));
      path += part + ".";
    }
    return key;
  }

  private static int rank(String part, String path, Map<String, ?> all) {
    if (part.matches("\\d{1,6}")) {
      return Integer.parseInt(part);
    }
    if (path.startsWith("blocks.")) {
      // Of timm: three convolutions, or two where nothing is expanded.
      List<String> order =
          all.containsKey(path + "conv_pwl")
              ? List.of("conv_pw", "bn1", "conv_dw", "bn2", "se", "conv_pwl", "bn3")
              : List.of("conv_dw", "bn1", "se", "conv_pw", "bn2");
      if (part.equals("conv") || (part.equals("bn1") && all.containsKey(path + "conv"))) {
        // The last convolution of timm's MobileNetV3.
        return part.equals("conv") ? 0 : 1;
      }
      if (path.endsWith(".se.")) {
        order = List.of("conv_reduce", "conv_expand");
      }
      return known(order.indexOf(part), path + part);
    }
    if (part.equals("fc1") || part.equals("fc2")) {
      // Of torchvision's squeeze and excitation.
      return part.equals("fc1") ? 0 : 1;
    }
    if (part.equals("bn2") && path.isEmpty() && all.containsKey("conv_head")) {
      return ORDER.indexOf("bn_head");
    }
    if (part.equals("conv") || part.equals("layers") || part.equals("block")) {
      return ORDER.indexOf("layers");
    }
    return known(ORDER.indexOf(part), path + part);
  }

  private static int known(int rank, String name) {
    if (rank < 0) {
      throw new SextantException(
          String.format(Locale.ROOT, "'%s' is no module of a network that is known", name));
    }
    return rank;
  }

  private static int compare(List<Integer> a, List<Integer> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int order = Integer.compare(a.get(i), b.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(a.size(), b.size());
  }
}
