package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A step of Single-Path NAS on a small space against libtorch in double: the loss, the gradient of
 * every weight and of every threshold, gates straight through a sigmoid.
 */
@ExtendWith(Parity.Extension.class)
class SuperkernelParityTest {
  private static final float SMOOTHING = 0.1f;
  private static final int BATCH = 3;

  /** Two blocks that can be skipped, and one that cannot. */
  private static final Space SPACE =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "nested", "classes": 4,
           "input": {"height": 8, "width": 8, "channels": 3}, "batch-norm-epsilon": 0.001,
           "layers": [
             {"op": "conv", "kernel": 3, "norm": "batch", "act": "relu6", "out": 5},
             {"choice": [%1$s, {"op": "skip"}], "out": 5, "repeat": 2},
             {"choice": [%1$s], "out": 7, "stride": 2},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
          """
              .formatted(blocks()),
          "nested");

  private static final Shape IMAGES = SPACE.input().shape(BATCH);

  private static String blocks() {
    List<String> blocks = new ArrayList<>();
    for (int kernel : new int[] {3, 5, 7}) {
      for (int expand : new int[] {2, 3}) {
        blocks.add(
            "{\"op\": \"mbconv\", \"kernel\": %d, \"expand\": %d}".formatted(kernel, expand));
      }
    }
    return String.join(", ", blocks);
  }

  private static SuperkernelSupernet supernet(Backend backend) {
    SuperkernelSupernet supernet =
        new SuperkernelSupernet(SPACE, new Initializer(backend, new Rng(1)));
    supernet
        .parameters()
        .forEach(
            (path, parameter) -> {
              int size = parameter.shape().size();
              if (path.endsWith("gamma")) {
                backend.upload(
                    Parity.uniform(path.hashCode(), size, 0.7, 1.3), 0, parameter.value());
              } else if (path.endsWith("beta")) {
                backend.upload(
                    Parity.uniform(path.hashCode(), size, -0.5, 0.5), 0, parameter.value());
              }
            });
    return supernet;
  }

  /** Norms are about sqrt(2) / 7: at most that, all gates are open, and at twice that some are. */
  private static float[] thresholds(NestedChoice choice, int index, double most) {
    return Parity.uniform(10 + index, choice.gates(), -0.1, most);
  }

  private static Nesting nesting(int choice) {
    return nestings().get(choice);
  }

  private static List<Nesting> nestings() {
    List<NestedChoice> choices = NestedChoice.of(SPACE);
    Shape[] inputs = SPACE.inputShapes();
    List<Nesting> nestings = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      if (SPACE.positions().get(i) instanceof Position.Choice) {
        nestings.add(choices.get(nestings.size()).nesting(inputs[i].channels()));
      }
    }
    return nestings;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.05, 0.3})
  void steps(double most, Parity parity) {
    String what = "superkernel step, thresholds up to " + most;
    Parity.Answer answer =
        parity.steady(what, true, (seed, nudge) -> theirs(parity, most, seed, nudge));
    parity.checkAll(
        what, IMAGES.size(), answer.tensors(), backend -> ours(backend, most, answer.seed()));
  }

  private static SequencedMap<String, float[]> ours(Backend backend, double most, long seed) {
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    List<Parameter> thresholds = new ArrayList<>();
    try (SuperkernelSupernet supernet = supernet(backend);
        Tensor images = Parity.tensor(backend, IMAGES, Parity.uniform(seed, IMAGES.size(), -1, 1));
        Tensor labels = Parity.labels(backend, BATCH, SPACE.classes())) {
      List<NestedChoice> choices = supernet.choices();
      float[][] scales = new float[choices.size()][];
      for (int i = 0; i < scales.length; i++) {
        float[] values = thresholds(choices.get(i), i, most);
        Tensor tensor = Parity.tensor(backend, Shape.of(values.length), values);
        thresholds.add(new Parameter(tensor, Parameter.Role.KERNEL));
        scales[i] = new float[values.length];
        for (int gate = 0; gate < values.length; gate++) {
          scales[i][gate] = SuperkernelLines.gateScale(gate);
        }
      }
      supernet.learn(thresholds, scales, null);
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        Variable logits = supernet.forward(tape, tape.constant(images));
        Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, SMOOTHING);
        results.put("loss", Parity.array(backend, loss.value()));
        tape.backward(loss);
      }
      SequencedMap<String, Parameter> all = new LinkedHashMap<>(supernet.parameters());
      for (int i = 0; i < scales.length; i++) {
        all.put("thresholds." + i, thresholds.get(i));
      }
      all.forEach(
          (path, parameter) -> {
            results.put(path, Parity.array(backend, parameter.gradient()));
            parameter.clearGradient();
          });
      thresholds.forEach(parameter -> parameter.value().close());
    }
    return results;
  }

  private static SequencedMap<String, float[]> theirs(
      Parity parity, double most, long seed, int nudge) {
    Backend backend = parity.cpu(1);
    Libtorch torch = parity.torch();
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (Libtorch.Scope _ = torch.scope();
        SuperkernelSupernet supernet = supernet(backend);
        Tensor labels = Parity.labels(backend, BATCH, SPACE.classes())) {
      SequencedMap<String, Tensor> added = new LinkedHashMap<>();
      for (int i = 0; i < supernet.choices().size(); i++) {
        float[] values = thresholds(supernet.choices().get(i), i, most);
        added.put("thresholds." + i, Parity.tensor(backend, Shape.of(values.length), values));
        addMasks(backend, i, added);
      }
      Map<String, Tensor> state = new LinkedHashMap<>(supernet.state());
      state.putAll(added);
      TorchChain chain =
          new TorchChain(
              torch, new LayerCode(Parity.EPSILON, false), SuperkernelParityTest::write, state);
      added.values().forEach(Tensor::close);
      float[] images = Parity.nudge(Parity.uniform(seed, IMAGES.size(), -1, 1), nudge);
      NDArray x = torch.load(TensorRole.IMAGE, images, IMAGES);
      List<NDArray> found = chain.lossGradients(x, torch.labels(labels), SMOOTHING);
      results.put("loss", torch.read(TensorRole.PLAIN, found.getFirst()));
      chain
          .read(found.subList(1, found.size()))
          .forEach(
              (path, gradient) -> {
                if (!path.startsWith("masks.")) {
                  results.put(path, gradient);
                }
              });
    }
    return results;
  }

  private static void addMasks(Backend backend, int choice, Map<String, Tensor> into) {
    Nesting nesting = nesting(choice);
    for (int shell = 0; shell < nesting.shells(); shell++) {
      float[] mask = SuperkernelLines.shellMask(nesting, shell);
      into.put(mask(choice, shell), Parity.tensor(backend, nesting.shape(), mask));
    }
    for (int group = 0; group < nesting.groups(); group++) {
      float[] mask = SuperkernelLines.groupMask(nesting, group);
      into.put(
          mask(choice, nesting.shells() + group), Parity.tensor(backend, nesting.shape(), mask));
    }
  }

  private static String mask(int choice, int index) {
    return "masks.%d.%d".formatted(choice, index);
  }

  private static String write(LayerCode code) {
    Shape[] inputs = SPACE.inputShapes();
    String y = "x";
    int choices = 0;
    for (int i = 0; i < inputs.length; i++) {
      String prefix = "layers." + i + ".";
      y =
          switch (SPACE.positions().get(i)) {
            case Position.Fixed(Layer layer) -> code.layer(layer, inputs[i].channels(), y, prefix);
            case Position.Choice _ -> block(code, choices++, y, prefix);
          };
    }
    return y;
  }

  /** The block of the largest candidate, masked where gates are shut. */
  private static String block(LayerCode code, int index, String x, String prefix) {
    NestedChoice choice = NestedChoice.of(SPACE).get(index);
    Nesting nesting = nesting(index);
    MbConv largest = choice.largest();
    List<String> names = new ArrayList<>();
    names.add(code.parameter(prefix + "depthwise.weight"));
    names.add(code.parameter("thresholds." + index));
    IntStream.range(0, nesting.shells() + nesting.groups())
        .forEach(part -> names.add(code.parameter(mask(index, part))));
    List<String> gates = new ArrayList<>();
    for (String gate : SuperkernelLines.gateCode(nesting)) {
      gates.add(code.set(named(gate, names)));
    }
    String kernel =
        code.set(named(SuperkernelLines.nested("x0", 2, nesting.shells(), gates), names));
    Activation activation = largest.activation();
    String z = code.convolution(x, prefix + "expand.weight", Window.POINTWISE, 1);
    String h = code.norm(z, prefix + "expand_norm.", activation);
    String u =
        code.set(LayerCode.convolution(h, kernel, largest.window(), nesting.channels(), "None"));
    String a = code.norm(u, prefix + "depthwise_norm.", activation);
    String w = rows(code, code.parameter(prefix + "project.weight"), nesting, gates);
    String v = code.set(LayerCode.convolution(a, w, Window.POINTWISE, 1, "None"));
    String layer = choice.skips() ? gates.get(nesting.layerGate()) : "1.";
    String y =
        code.set(
            "torch.batch_norm(%s, torch.mul(%s, %s), torch.mul(%s, %s), None, None, training, 0.1,"
                    .formatted(
                        v,
                        code.parameter(prefix + "project_norm.gamma"),
                        layer,
                        code.parameter(prefix + "project_norm.beta"),
                        layer)
                + " %s, True)".formatted((double) Parity.EPSILON));
    return largest.residual() ? code.set("torch.add(%s, %s)".formatted(y, x)) : y;
  }

  /** The projection, of channels that are shut nothing. */
  private static String rows(LayerCode code, String w, Nesting nesting, List<String> gates) {
    List<String> parts = new ArrayList<>();
    String factor = "";
    for (int group = 0; group < nesting.groups(); group++) {
      String part =
          "torch.slice(%s, 1, %d, %d, 1)"
              .formatted(w, nesting.firstChannel(group), nesting.channels(group));
      if (group > 0) {
        String gate = gates.get(nesting.layerGate() + group);
        factor = factor.isEmpty() ? gate : "torch.mul(%s, %s)".formatted(factor, gate);
      }
      parts.add(factor.isEmpty() ? part : "torch.mul(%s, %s)".formatted(part, factor));
    }
    return code.set("torch.cat([%s], 1)".formatted(String.join(", ", parts)));
  }

  /** Code in x0, x1, ... in these variables. */
  private static String named(String text, List<String> names) {
    return Pattern.compile("\\bx(\\d+)\\b")
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(names.get(Integer.parseInt(match.group(1)))));
  }
}
