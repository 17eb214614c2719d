package dev.sextant.runtime.pretrained;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.WeightNames;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.pretrained.Modules.Module;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Weights of PyTorch's libraries, timm and torchvision, for a network of this one: the tensors'
 * names tell the order of the modules, which is that of the network's operations. Every shape is
 * checked.
 *
 * @param architecture the network, with the epsilon that those libraries' batch norms have
 * @param weights its weights
 */
public record Pretrained(Architecture architecture, Weights weights) {
  /** Of PyTorch's batch norms, unless a network says otherwise. */
  public static final double EPSILON = 1e-5;

  /** Of torchvision's MobileNetV3, whose classifier alone has two linear layers. */
  private static final double MOBILENET_V3_EPSILON = 1e-3;

  private static final String MOBILENET_V3 = "classifier.3.weight";

  /**
   * {@return the weights of a file's state, by the names of this library}
   *
   * @param state tensors by PyTorch's names: those of timm's and torchvision's MobileNetV2 and V3,
   *     MnasNet, EfficientNet-B0 and ResNet, timm's Single-Path NAS, or other networks of the same
   *     modules
   * @param source what errors call it
   * @param architecture the network that they are of
   * @throws SextantException naming the first tensor that does not fit
   */
  public static Pretrained of(Weights state, String source, Architecture architecture) {
    try {
      Architecture theirs =
          new Architecture(
              architecture.name(),
              architecture.classes(),
              architecture.input(),
              state.entries().containsKey(MOBILENET_V3) ? MOBILENET_V3_EPSILON : EPSILON,
              architecture.layers());
      Map<String, String> texts = new LinkedHashMap<>(state.metadata());
      texts.remove(Weights.CHECKSUM);
      texts.remove(Weights.VERSION);
      texts.put(Weights.ARCHITECTURE, theirs.sha256());
      Weights weights = new Weights(new Reader(state).read(theirs), texts);
      weights.check(theirs);
      return new Pretrained(theirs, weights);
    } catch (SextantException e) {
      throw new SextantException(source + ": " + e.getMessage(), e);
    }
  }

  /** Hands modules out to operations, one after the other. */
  private static final class Reader {
    private final Iterator<Module> modules;
    private final SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();

    Reader(Weights state) {
      modules = Modules.of(state).iterator();
    }

    SequencedMap<String, Weights.Entry> read(Architecture architecture) {
      List<Shape> shapes = architecture.shapes();
      for (int i = 0; i < architecture.layers().size(); i++) {
        Graph graph = architecture.layers().get(i).operations(shapes.get(i));
        for (Graph.Node node : graph.nodes()) {
          List<Shape> inputs = node.inputs().stream().map(Graph.Value::shape).toList();
          read(WeightNames.prefix(i), node.operation(), node.operation().weights(inputs));
        }
      }
      if (modules.hasNext()) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "'%s' is of no layer of %s",
                modules.next().name(),
                architecture.name()));
      }
      return entries;
    }

    private Module next(String of) {
      if (!modules.hasNext()) {
        throw new SextantException("has no tensors for '" + of + "'");
      }
      return modules.next();
    }

    private void read(String prefix, Operation operation, List<Operation.Weight> weights) {
      Module module = null;
      Module norm = null;
      for (Operation.Weight weight : weights) {
        String name = weight.name();
        String kind = name.substring(name.lastIndexOf('.') + 1);
        boolean ofNorm = !kind.equals("weight") && !kind.equals("bias");
        if (ofNorm && norm == null) {
          norm = next(prefix + name);
        } else if (!ofNorm && module == null) {
          module = next(prefix + name);
        }
        entries.put(
            prefix + name,
            switch (kind) {
              case "weight" -> kernel(module, prefix + name, operation, weight.shape());
              case "bias" -> vector(module, "bias", prefix + name, weight.shape());
              case "gamma" -> vector(norm, "weight", prefix + name, weight.shape());
              case "beta" -> vector(norm, "bias", prefix + name, weight.shape());
              case "mean" -> vector(norm, "running_mean", prefix + name, weight.shape());
              case "variance" -> vector(norm, "running_var", prefix + name, weight.shape());
              default -> throw new SextantException("'" + prefix + name + "' has no counterpart");
            });
      }
    }

    private static Module present(@Nullable Module module) {
      if (module == null) {
        throw new IllegalStateException("no module");
      }
      return module;
    }

    private static Weights.Entry vector(
        @Nullable Module module, String tensor, String name, Shape shape) {
      Weights.Entry entry = present(module).get(tensor);
      if (!entry.shape().equals(shape)) {
        throw misfit(present(module), tensor, entry, name, shape);
      }
      return entry;
    }

    /** Theirs is {@code [out, in, k, k]}, {@code [C, 1, k, k]} or {@code [out, in]}. */
    private static Weights.Entry kernel(
        @Nullable Module module, String name, Operation operation, Shape shape) {
      Weights.Entry entry = present(module).get("weight");
      int out = shape.channels();
      int k = shape.rank() > 2 ? shape.get(0) : 1;
      int in = shape.size() / out / k / k;
      Shape image = Shape.of(out, in, k, k);
      boolean fits =
          entry.shape().equals(image)
              || (operation instanceof Operation.Linear && entry.shape().equals(Shape.of(out, in)));
      if (!fits || present(module).isNorm()) {
        throw misfit(present(module), "weight", entry, name, shape);
      }
      float[] values = new float[entry.values().length];
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          for (int tap = 0; tap < k * k; tap++) {
            values[(tap * in + i) * out + o] = entry.values()[(o * in + i) * k * k + tap];
          }
        }
      }
      return new Weights.Entry(shape, values);
    }

    private static SextantException misfit(
        Module module, String tensor, Weights.Entry entry, String name, Shape shape) {
      return new SextantException(
          String.format(
              Locale.ROOT,
              "'%s.%s' %s does not fit '%s' %s",
              module.name(),
              tensor,
              entry.shape(),
              name,
              shape));
    }
  }
}
